import { MAX_CONNECTION_SECONDS, MAX_MESSAGE_BYTES } from '../../shared/limits.ts'

/** What an application is expected to do, on average. */
export interface Workload {
  /** Connections that are open at the same time. */
  readonly connections: number
  /** Messages that all clients together send in a second, each to one group. */
  readonly messagesPerSecond: number
  /** Members of the group that gets a message, the sender included. */
  readonly groupSize: number
  readonly messageBytes: number
  /** Hours of a day in which there are connections and messages. */
  readonly hoursPerDay: number
  /** Minutes that a connection lasts. */
  readonly sessionMinutes: number
  /** Seconds between two heartbeats of a client, each of which is answered; 0 for none. */
  readonly heartbeatSeconds: number
  /** `member`: the handler runs in every member's consumer. `broadcast`: it runs once, or it is `groupSendFrame`. */
  readonly handler: 'member' | 'broadcast'
  readonly layer: 'dynamodb' | 'redis'
  /** How calls leave the network that Redis is in. IPv6 costs nothing. */
  readonly egress: 'ipv6' | 'nat'
  readonly ordering: 'parallel' | 'serial'
  /** Whether CloudFront is in front. */
  readonly front: boolean
  /** Memory in MB of the function that serves the sockets. */
  readonly memory: number
  /** Memory in MB of the function that serves the delivery queue. */
  readonly deliveryMemory: number
  /** Milliseconds that one `@connections` call takes. */
  readonly postMs: number
  /** Milliseconds that one round trip to the store takes. */
  readonly storeMs: number
  /** Bytes that one invocation logs, what Lambda and API Gateway write about it included. */
  readonly logBytes: number
}

/** A number that the command line takes. */
export interface NumberRule {
  readonly fallback: number
  readonly least: number
  readonly most: number
  readonly isWhole: boolean
  readonly help: string
}

/** A word that the command line takes. */
export interface ChoiceRule {
  readonly choices: readonly string[]
  readonly help: string
}

/** The numbers, by their fields. */
export const NUMBER_RULES = {
  connections: whole(1_000, [0, 100_000_000], 'connections open at the same time, on average'),
  messagesPerSecond: fraction(1, [0, 1_000_000], 'messages that all clients together send in a second'),
  groupSize: whole(10, [1, 100_000_000], 'members who get each message, the sender included'),
  messageBytes: whole(200, [1, MAX_MESSAGE_BYTES], 'bytes of a message'),
  hoursPerDay: fraction(24, [0.1, 24], 'hours of a day with this load'),
  sessionMinutes: fraction(30, [0.1, MAX_CONNECTION_SECONDS / 60], 'minutes that a connection lasts'),
  heartbeatSeconds: whole(0, [0, 600], 'seconds between two heartbeats of a client; 0 for none'),
  memory: whole(512, [128, 10_240], 'MB of the function for the sockets'),
  deliveryMemory: whole(1_024, [128, 10_240], 'MB of the function for the delivery queue'),
  postMs: fraction(15, [0.1, 10_000], 'milliseconds of one @connections call (assumed)'),
  storeMs: fraction(5, [0.1, 10_000], 'milliseconds of one round trip to the store (assumed)'),
  logBytes: whole(1_500, [0, 1_000_000], 'bytes logged for one invocation (assumed)'),
} as const satisfies Readonly<Partial<Record<keyof Workload, NumberRule>>>

/** The words, by their fields. The first is what applies unless another is said. */
export const CHOICE_RULES = {
  handler: {
    choices: ['member', 'broadcast'],
    help: 'who handles a message: each member’s consumer, or a broadcast handler once',
  },
  layer: { choices: ['dynamodb', 'redis'], help: 'where connections and groups are kept' },
  egress: { choices: ['ipv6', 'nat'], help: 'how calls leave the network of Redis' },
  ordering: { choices: ['parallel', 'serial'], help: 'serial: each client’s messages one after the other' },
} as const satisfies Readonly<Partial<Record<keyof Workload, ChoiceRule>>>

function whole(fallback: number, [least, most]: readonly [number, number], help: string): NumberRule {
  return { fallback, least, most, isWhole: true, help }
}

function fraction(fallback: number, [least, most]: readonly [number, number], help: string): NumberRule {
  return { fallback, least, most, isWhole: false, help }
}
