import {
  channelLayerFromEnvironment,
  deliveryQueueAt,
  openStore,
  type OpenStore,
  readLayerEnvironment,
  type Variables,
  workerQueuesOf,
} from '../shared/environment/index.ts'
import type { Logger } from '../shared/index.ts'
import { WorkerQueues } from '../shared/layers/worker-queues.ts'
import type { Reach } from './command.ts'
import { requireSetting } from './target.ts'

/** Opens what a command asks for, and closes it again. */
export class EnvironmentReach implements Reach, AsyncDisposable {
  readonly #findEnvironment: () => Promise<Variables>
  readonly #logger: Logger
  #found: Promise<Variables> | undefined
  readonly #open: { close(): void }[] = []

  /** @param findEnvironment - is asked when a command reaches for something, not before: what it was given is checked first */
  constructor(findEnvironment: () => Promise<Variables>, logger: Logger) {
    this.#findEnvironment = findEnvironment
    this.#logger = logger
  }

  async store(): Promise<OpenStore['store']> {
    return await this.#storeOf(await this.#environment())
  }

  async layer(): ReturnType<Reach['layer']> {
    const env = await this.#environment()
    for (const name of ['queue-url', 'management-endpoint'] as const) requireSetting(env, name)
    return this.#keep(await channelLayerFromEnvironment(env, { logger: this.#logger }))
  }

  async workers(): ReturnType<Reach['workers']> {
    return new WorkerQueues(workerQueuesOf(readLayerEnvironment(await this.#environment())))
  }

  async queue(): ReturnType<Reach['queue']> {
    const env = await this.#environment()
    const queue = deliveryQueueAt(requireSetting(env, 'queue-url'), readLayerEnvironment(env))
    const endpoint = requireSetting(env, 'management-endpoint')
    return { queue, endpoint, store: await this.#storeOf(env) }
  }

  /** Is found once, and said once, however much a command reaches for. */
  #environment(): Promise<Variables> {
    this.#found ??= this.#findEnvironment()
    return this.#found
  }

  async #storeOf(env: Variables): Promise<OpenStore['store']> {
    return this.#keep(await openStore(readLayerEnvironment(env))).store
  }

  #keep<Opened extends { close(): void }>(opened: Opened): Opened {
    this.#open.push(opened)
    return opened
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const opened of this.#open) opened.close()
  }
}
