import type { RemovalPolicy } from 'aws-cdk-lib'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import type { RetentionDays } from 'aws-cdk-lib/aws-logs'
import type { ITopic } from 'aws-cdk-lib/aws-sns'
import type { AlarmThresholds } from './channels-alarms.ts'
import type { FunctionSize } from './channels-function.ts'
import type { ChannelWorkerOptions } from './channel-worker.ts'
import type { DomainNameOptions } from './custom-domain.ts'
import type { FrontOptions } from './front-options.ts'
import type { FunctionName } from './function-entries.ts'
import type { RedisCacheProps } from './redis-cache.ts'
import type { SerialQueueOptions } from './serial-queue.ts'
import type { Throttle } from './socket-api.ts'

/** A Lambda authorizer, which API Gateway asks at `$connect`. */
export interface AuthorizerOptions {
  /**
   * What a handshake has to have for the authorizer to be asked at all, else 401: `route.request.querystring.token`,
   * `route.request.header.Authorization`. A browser cannot set headers of a handshake.
   */
  readonly identitySource: readonly string[]
}

/** Who hears of alarms, and when. */
export interface MonitoringOptions {
  /**
   * Is told when an alarm goes off, and when it is over.
   *
   * @default - nobody is told; alarms are seen in CloudWatch
   */
  readonly alarmTopic?: ITopic
  /**
   * Above what an alarm goes off.
   *
   * @default - as {@link AlarmThresholds} says
   */
  readonly thresholds?: AlarmThresholds
}

/** Options of {@link ChannelsApi}. */
export interface ChannelsApiProps {
  /**
   * What the functions run, imported from the module that they import: the names of its worker channels are read from
   * it. Nothing of it runs.
   */
  readonly application: object
  /**
   * The folder of the modules that export a `handler`: `websocket.ts` and `delivery.ts`; with `http.ts` there is an HTTP
   * API; `worker.ts`, `serial.ts` and `authorizer.ts` where something needs them. A relative path begins at the folder
   * where `cdk` runs.
   */
  readonly functions: string
  /**
   * Where connections and groups are kept: in a DynamoDB table, or in a serverless cache of ElastiCache.
   *
   * @default 'dynamodb'
   */
  readonly layer?: 'dynamodb' | 'redis'
  /**
   * The cache, its limits and its network, for `layer: 'redis'`.
   *
   * @default - Valkey in a new VPC, whose functions reach what is outside by IPv6
   */
  readonly redis?: RedisCacheProps
  /**
   * Files and folders that the functions read beside their code, by their name there: `{ pages: 'examples/chat/pages' }`.
   *
   * @default - none
   */
  readonly assets?: Readonly<Record<string, string>>
  /**
   * More environment variables for all functions. They are no place for secrets: who may look at a function sees them.
   *
   * @default - none but `CHANNELS_…`
   */
  readonly environment?: Readonly<Record<string, string>>
  /**
   * Hosts of pages that may connect besides this one's own pages, as `allowedHostsOriginValidator` takes them.
   *
   * @default - none
   */
  readonly allowedHosts?: readonly string[]
  /**
   * Memory, time and concurrency by function.
   *
   * @default - as {@link FunctionSize} says
   */
  readonly sizes?: Readonly<Partial<Record<FunctionName, FunctionSize>>>
  /**
   * Which worker functions there are, and whose jobs each does. Every channel of the application's `ChannelNameRouter` has
   * to be in exactly one of them.
   *
   * @default - one function for all channels, each with a queue of its own
   */
  readonly workers?: readonly ChannelWorkerOptions[]
  /**
   * `serial`: frames of one connection, and its end, are handled one after the other, in the order in which SQS has them;
   * `parallel`: each in an invocation of its own, at once. docs/topics/ordering.md
   *
   * @default 'parallel'
   */
  readonly ordering?: 'parallel' | 'serial'
  /**
   * How the queue of `ordering: 'serial'` hands out what it has.
   *
   * @default - as {@link SerialQueueOptions} says
   */
  readonly serialQueue?: SerialQueueOptions
  /**
   * Has API Gateway itself answer heartbeats of clients, frames `{"type":"websocket.heartbeat"}`, without a function, as the
   * local gateway does.
   *
   * @default true
   */
  readonly heartbeat?: boolean
  /**
   * Asks `authorizer.ts` before each connect.
   *
   * @default - nobody is asked: the application decides in `connect()`
   */
  readonly authorizer?: AuthorizerOptions
  /**
   * Puts a CloudFront distribution in front: one host for pages, HTTP and sockets, which share cookies, and paths of
   * sockets as in Channels. A deployment takes some minutes more.
   *
   * @default false
   */
  readonly front?: boolean | FrontOptions
  /**
   * A name of your own: of the front, or, without one, of the sockets.
   *
   * @default - names of AWS
   */
  readonly domainName?: DomainNameOptions
  /**
   * The stage of the WebSocket API, which is in its URL.
   *
   * @default 'prod'
   */
  readonly stageName?: string
  /**
   * How much each of the two APIs takes from clients. The account's own limit, 10 000 requests a second unless you had it
   * raised, is shared with what the functions post.
   *
   * @default - 1000 requests a second, 2000 at once
   */
  readonly throttle?: Throttle
  /**
   * How long logs are kept.
   *
   * @default RetentionDays.ONE_MONTH
   */
  readonly logRetention?: RetentionDays
  /**
   * What the functions log.
   *
   * @default 'info'
   */
  readonly logLevel?: 'debug' | 'info' | 'warn' | 'error'
  /**
   * What API Gateway writes into the execution log of the sockets. `info` is a dozen lines for each frame.
   *
   * @default 'error'
   */
  readonly executionLogs?: 'off' | 'error' | 'info'
  /**
   * Gives the account the role that API Gateway needs to log at all. It is one for each account and region, and stays when
   * the stack goes. Say false if your account has one.
   *
   * @default true
   */
  readonly cloudWatchRole?: boolean
  /**
   * What metrics and log lines are marked with.
   *
   * @default - the names of the stack and of this construct: `Chat-Api`
   */
  readonly serviceName?: string
  /**
   * A dashboard, and alarms, in CloudWatch.
   *
   * @default - both, and the alarms tell nobody
   */
  readonly monitoring?: boolean | MonitoringOptions
  /**
   * Traces the functions with X-Ray.
   *
   * @default false
   */
  readonly tracing?: boolean
  /**
   * A name for the table. A stack cannot create a table that exists, and cannot replace one that it has not named itself.
   *
   * @default - CloudFormation makes one
   */
  readonly tableName?: string
  /**
   * The key that encrypts the table.
   *
   * @default - the account's key for DynamoDB
   */
  readonly encryptionKey?: IKey
  /**
   * What becomes of the table when the stack is destroyed.
   *
   * @default RemovalPolicy.DESTROY
   */
  readonly removalPolicy?: RemovalPolicy
  /**
   * The address of an emulator of AWS, such as `http://localhost:4566`: {@link ChannelsApi.websocketUrl} and
   * {@link ChannelsApi.httpUrl} are then those that it has.
   *
   * @default - AWS
   */
  readonly emulatorEndpoint?: string
}
