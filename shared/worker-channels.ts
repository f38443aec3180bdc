/**
 * How often a job runs. `at-least-once`: until it succeeds, a bounded number of times, and then it is a dead letter.
 * `at-most-once`: once, whether or not it succeeds, as in Channels.
 */
export type WorkerGuarantee = 'at-least-once' | 'at-most-once'

/** The worker channels that an application serves, by name. */
export type WorkerChannels = ReadonlyMap<string, WorkerGuarantee>

/**
 * Stands for every worker channel without a queue of its own, where queues are given by channel. No channel can have
 * this name.
 */
export const EVERY_OTHER_CHANNEL = '*'

const WORKER_CHANNELS: unique symbol = Symbol('lambda-channels.worker-channels')

const none: WorkerChannels = new Map()

/** Lets `application` say which worker channels it serves. */
export function markWorkerChannels<A extends object>(application: A, channels: WorkerChannels): A {
  return Object.assign(application, { [WORKER_CHANNELS]: channels })
}

/**
 * The worker channels that `application` serves: those of its {@link ChannelNameRouter}, seen through `ProtocolTypeRouter`
 * and middleware. None, if it has no such router, or a plain function hides it; see {@link wrapApplication}.
 *
 * @example
 * ```ts
 * for (const [name, guarantee] of workerChannelsOf(application)) console.log(name, guarantee)
 * ```
 */
export function workerChannelsOf(application: object): WorkerChannels {
  const channels: unknown = Reflect.get(application, WORKER_CHANNELS)
  return channels instanceof Map ? (channels as WorkerChannels) : none
}
