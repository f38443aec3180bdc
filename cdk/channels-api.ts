import { Duration, Lazy, Stack } from 'aws-cdk-lib'
import { WebSocketLambdaAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2-authorizers'
import type { IGrantable } from 'aws-cdk-lib/aws-iam'
import { IpAddressType } from 'aws-cdk-lib/aws-apigatewayv2'
import { RetentionDays } from 'aws-cdk-lib/aws-logs'
import { Construct } from 'constructs'
import { ConfigurationError } from '../shared/errors.ts'
import { HEARTBEAT_SELECTION } from '../shared/heartbeat.ts'
import { environmentNames } from '../shared/lambda/environment-names.ts'
import { type Addresses, createAddresses } from './addresses.ts'
import { ChannelsDashboard } from './channels-dashboard.ts'
import type { ChannelsApiProps } from './channels-api-props.ts'
import { ChannelsFunction, type ChannelsFunctionProps, type FunctionSize } from './channels-function.ts'
import { ChannelsTable } from './channels-table.ts'
import { ChannelWorker } from './channel-worker.ts'
import { FunctionEntries, type FunctionName } from './function-entries.ts'
import { mergeEnvironments } from './function-environment.ts'
import { HeartbeatRoute } from './heartbeat-route.ts'
import { HttpSide } from './http-side.ts'
import type { LayerStore } from './layer-store.ts'
import { concurrencyOf } from './queue-concurrency.ts'
import { requireProps } from './props-rules.ts'
import { RedisCache } from './redis-cache.ts'
import { SerialQueue } from './serial-queue.ts'
import { SocketApi, type SocketApiProps } from './socket-api.ts'
import { WorkQueue, type WorkQueueReaderProps } from './work-queue.ts'
import { planWorkers } from './worker-plan.ts'

/** The functions of a {@link ChannelsApi}, but for those of its workers. */
export interface ChannelsFunctions {
  readonly websocket: ChannelsFunction
  readonly delivery: ChannelsFunction
  readonly http?: ChannelsFunction
  readonly serial?: ChannelsFunction
  readonly authorizer?: ChannelsFunction
}

/** How long a function may run that a queue invokes, and nobody waits for. */
const QUEUE_TIMEOUT = Duration.seconds(60)

/** With so many workers at the same time, the pace of each still makes up the account's limit of posts. */
const MOST_DELIVERY_WORKERS = 100

/**
 * An application of Channels on AWS: a WebSocket API whose three routes lead to one function, the table or cache of its
 * channel layer, the delivery queue with its function, an HTTP API for its views, and a queue with a function for each of its
 * worker channels.
 *
 * @throws {@link ConfigurationError} for props that do not fit, with the value, the rule and what to do
 *
 * @example
 * ```ts
 * new ChannelsApi(this, 'Chat', { application, functions: 'functions' })
 * ```
 */
export class ChannelsApi extends Construct {
  readonly sockets: SocketApi
  readonly http: HttpSide | undefined
  readonly addresses: Addresses
  /** Where connections and groups are kept: a {@link ChannelsTable} or a {@link RedisCache}. */
  readonly store: LayerStore
  readonly deliveries: WorkQueue
  readonly workers: readonly ChannelWorker[]
  readonly functions: ChannelsFunctions
  /** What brings frames in order; undefined where they are handled in parallel. */
  readonly serialQueue: SerialQueue | undefined
  /** The dashboard, with the alarms; undefined without monitoring. */
  readonly dashboard: ChannelsDashboard | undefined
  readonly #props: ChannelsApiProps
  readonly #entries: FunctionEntries

  constructor(scope: Construct, id: string, props: ChannelsApiProps) {
    super(scope, id)
    requireProps(props)
    this.#props = props
    this.#entries = new FunctionEntries(props.functions)
    const { throttle = { rateLimit: 1000, burstLimit: 2000 } } = props
    const limits = { throttle, logRetention: this.#logRetention }
    this.store = this.#createStore()
    this.sockets = this.#createSockets(limits)
    this.http = this.#entries.has('http') ? new HttpSide(this, 'Http', limits) : undefined
    this.addresses = createAddresses(this, this, props)
    this.deliveries = new WorkQueue(this, 'Delivery', { longest: this.#longestDelivery })
    this.functions = this.#createFunctions()
    this.workers = this.#createWorkers()
    for (const each of [...Object.values(this.functions), ...this.workers.map((w) => w.function)]) {
      if (each !== this.functions.authorizer) this.grantSend(each)
    }
    this.serialQueue = this.#createSerialQueue()
    this.#connect()
    this.dashboard = this.#createDashboard()
  }

  /** Where a handshake goes, as wscat and browsers take it. */
  get websocketUrl(): string {
    return this.addresses.websocketUrl
  }

  /** Where views are; undefined without an HTTP side. */
  get httpUrl(): string | undefined {
    return this.addresses.httpUrl
  }

  /**
   * The variables that `channelLayerFromEnvironment` and the command line tool need, for a function or task of your own that
   * sends to groups, connections and workers. Give it {@link grantSend} too.
   */
  get layerEnvironment(): Readonly<Record<string, string>> {
    return {
      ...this.store.environment,
      [environmentNames.deliveryQueueUrl]: this.deliveries.queue.queueUrl,
      // Workers come last: they send to each other, too.
      [environmentNames.workerQueues]: Lazy.string({ produce: () => this.#workerQueues() }),
      [environmentNames.managementEndpoint]: this.sockets.managementEndpoint,
    }
  }

  /** Lets `grantee` use the channel layer: store, queues and connections. */
  grantSend(grantee: IGrantable): void {
    this.store.grantUse(grantee)
    this.deliveries.queue.grantSendMessages(grantee)
    for (const worker of this.workers) worker.grantSend(grantee)
    this.sockets.grantManageConnections(grantee)
  }

  get #serviceName(): string {
    return this.#props.serviceName ?? `${Stack.of(this).stackName}-${this.node.id}`
  }

  get #logRetention(): RetentionDays {
    return this.#props.logRetention ?? RetentionDays.ONE_MONTH
  }

  get #hasHeartbeat(): boolean {
    return this.#props.heartbeat ?? true
  }

  /** By channel. */
  get #jobQueues(): ReadonlyMap<string, WorkQueue> {
    return new Map(this.workers.flatMap(({ queues }) => [...queues]))
  }

  get #longestDelivery(): Duration {
    return this.#props.sizes?.delivery?.timeout ?? QUEUE_TIMEOUT
  }

  #createStore(): LayerStore {
    const { layer = 'dynamodb', redis } = this.#props
    if (layer === 'redis') return new RedisCache(this, 'Redis', redis)
    if (redis === undefined) return new ChannelsTable(this, 'Table', this.#props)
    throw new ConfigurationError(
      'redis is given, and layer is "dynamodb": set layer to redis, or leave redis out',
    )
  }

  #createSockets(limits: Pick<SocketApiProps, 'throttle' | 'logRetention'>): SocketApi {
    const { stageName = 'prod', executionLogs = 'error', cloudWatchRole = true } = this.#props
    return new SocketApi(this, 'Sockets', {
      ...limits,
      stageName,
      executionLogs,
      cloudWatchRole,
      ...(this.#hasHeartbeat ? { routeSelectionExpression: HEARTBEAT_SELECTION } : {}),
      ...(this.store.isDualStack ? { ipAddressType: IpAddressType.DUAL_STACK } : {}),
    })
  }

  #createFunctions(): ChannelsFunctions {
    const { authorizer, ordering = 'parallel' } = this.#props
    const create = (
      name: FunctionName,
      why: string,
      size: Partial<ChannelsFunctionProps> = {},
    ): ChannelsFunction =>
      new ChannelsFunction(this, `${name[0]?.toUpperCase()}${name.slice(1)}Function`, {
        ...this.#functionProps(name, why),
        ...size,
        ...this.#props.sizes?.[name],
      })
    const deliverySize = { timeout: this.#longestDelivery, memorySize: 1024, isRecursive: true }
    return {
      websocket: create('websocket', 'sockets need a function'),
      delivery: create('delivery', 'what has to wait needs a function', deliverySize),
      ...(this.http ? { http: create('http', 'views need a function') } : {}),
      ...(ordering === 'serial'
        ? { serial: create('serial', 'ordering is "serial"', { timeout: QUEUE_TIMEOUT }) }
        : {}),
      ...(authorizer ? { authorizer: create('authorizer', 'authorizer is given') } : {}),
    }
  }

  #createWorkers(): readonly ChannelWorker[] {
    const { application, workers, sizes } = this.#props
    const queueScope = new Construct(this, 'Jobs')
    return planWorkers(application, workers).map((worker) => {
      const [first = ''] = worker.channels
      return new ChannelWorker(this, `Worker-${first}`, {
        ...this.#functionProps('worker', `the application has the worker channel "${first}"`),
        queueScope,
        ...sizes?.worker,
        ...worker,
      })
    })
  }

  #functionProps(name: FunctionName, why: string): Omit<ChannelsFunctionProps, keyof FunctionSize> {
    const { assets, tracing = false } = this.#props
    return {
      description: `${this.node.id}: ${DESCRIPTIONS[name]}`,
      entry: this.#entries.require(name, why),
      environment: this.#environment(),
      logRetention: this.#logRetention,
      tracing,
      ...(assets === undefined ? {} : { assets }),
      // Whom API Gateway asks has no part in the layer.
      ...(this.store.network && name !== 'authorizer' ? { network: this.store.network } : {}),
    }
  }

  #environment(): Readonly<Record<string, string>> {
    const { allowedHosts = [], logLevel = 'info', environment } = this.#props
    const { pageHost, isOneOrigin, websocketUrl } = this.addresses
    const made = {
      ...this.layerEnvironment,
      [environmentNames.allowedHosts]: [
        ...(pageHost === undefined ? [] : [pageHost]),
        ...allowedHosts,
      ].join(),
      ...(isOneOrigin ? {} : { [environmentNames.websocketUrl]: websocketUrl }),
      [environmentNames.logLevel]: logLevel,
      [environmentNames.service]: this.#serviceName,
    }
    return mergeEnvironments(made, environment)
  }

  #workerQueues(): string {
    const urls = Array.from(this.#jobQueues, ([channel, { queue }]) => [channel, queue.queueUrl])
    return Stack.of(this).toJsonString(Object.fromEntries(urls))
  }

  #createSerialQueue(): SerialQueue | undefined {
    const { ordering = 'parallel', serialQueue } = this.#props
    const reader = this.functions.serial
    if (reader) {
      const { longest } = reader
      const maxConcurrency = concurrencyOf('the serial function', {
        asked: serialQueue?.maxConcurrency,
        reserved: this.#props.sizes?.serial?.reservedConcurrentExecutions,
        queues: 1,
      })
      return new SerialQueue(this, 'Serial', {
        ...serialQueue,
        ...(maxConcurrency === undefined ? {} : { maxConcurrency }),
        api: this.sockets.api,
        reader,
        longest,
      })
    }
    if (serialQueue === undefined) return undefined
    throw new ConfigurationError(
      `serialQueue is given, and ordering is "${ordering}": set ordering to serial, or leave serialQueue out`,
    )
  }

  /** Routes and queues lead to the functions. */
  #connect(): void {
    const { websocket, delivery, http, serial } = this.functions
    this.sockets.addRoute('$connect', websocket, this.#authorizer())
    if (!serial) {
      this.sockets.addRoute('$default', websocket)
      this.sockets.addRoute('$disconnect', websocket)
    }
    if (this.#hasHeartbeat) new HeartbeatRoute(this, 'Heartbeat', { api: this.sockets.api })
    this.deliveries.addReader(delivery, this.#deliveryConcurrency())
    if (http) this.http?.serve(http)
  }

  #createDashboard(): ChannelsDashboard | undefined {
    const { monitoring = true } = this.#props
    if (monitoring === false) return undefined
    const queues = [...this.#jobQueues]
    const workers = this.workers.map(({ function: each, queues: named }) => [
      `worker-${[...named.keys()][0]}`,
      each,
    ])
    return new ChannelsDashboard(this, 'Dashboard', {
      ...(monitoring === true ? {} : monitoring),
      serviceName: this.#serviceName,
      functions: { ...this.functions, ...Object.fromEntries(workers) },
      deliveryQueue: this.deliveries.queue,
      queues: {
        ...Object.fromEntries(queues.map(([channel, { queue }]) => [channel, queue])),
        ...(this.serialQueue ? { serial: this.serialQueue.queue } : {}),
      },
      deadLetterQueues: {
        delivery: this.deliveries.deadLetterQueue,
        ...(this.serialQueue ? { serial: this.serialQueue.deadLetterQueue } : {}),
        ...Object.fromEntries(queues.map(([channel, { deadLetterQueue }]) => [channel, deadLetterQueue])),
      },
      webSocketApi: this.sockets.api,
      stageName: this.sockets.stage.stageName,
      ...(this.store instanceof ChannelsTable ? { table: this.store.table } : {}),
      ...(this.http ? { httpApi: this.http.api } : {}),
    })
  }

  #deliveryConcurrency(): WorkQueueReaderProps {
    const reserved = this.#props.sizes?.delivery?.reservedConcurrentExecutions ?? MOST_DELIVERY_WORKERS
    const maxConcurrency = concurrencyOf('sizes.delivery', { reserved, queues: 1 })
    return maxConcurrency === undefined
      ? {}
      : { maxConcurrency: Math.min(maxConcurrency, MOST_DELIVERY_WORKERS) }
  }

  #authorizer(): WebSocketLambdaAuthorizer | undefined {
    const { authorizer } = this.functions
    if (!authorizer) return undefined
    const identitySource = [...(this.#props.authorizer?.identitySource ?? [])]
    return new WebSocketLambdaAuthorizer('Authorizer', authorizer, { identitySource })
  }
}

const DESCRIPTIONS: Readonly<Record<FunctionName, string>> = {
  websocket: 'connects, frames and disconnects',
  delivery: 'frames and events that had to wait, and large groups',
  http: 'views',
  worker: 'jobs of worker channels',
  serial: 'frames and disconnects, in order',
  authorizer: 'who may connect',
}
