import {
  channelLayerFromEnvironment,
  deliveryQueueAt,
  openStore,
  type OpenStore,
  readLayerEnvironment,
  type Variables,
} from '../shared/environment/index.ts'
import type { Logger } from '../shared/index.ts'
import type { Reach } from './command.ts'
import { requireSetting } from './target.ts'

/** Opens what a command asks for, and closes it again. */
export class EnvironmentReach implements Reach, AsyncDisposable {
  readonly #findEnvironment: () => Promise<Variables>
  readonly #logger: Logger
  readonly #open: { close(): void }[] = []

  /** @param findEnvironment - is asked when a command reaches for something, not before: what it was given is checked first */
  constructor(findEnvironment: () => Promise<Variables>, logger: Logger) {
    this.#findEnvironment = findEnvironment
    this.#logger = logger
  }

  async store(): Promise<OpenStore['store']> {
    return await this.#storeOf(await this.#findEnvironment())
  }

  async layer(): ReturnType<Reach['layer']> {
    const env = await this.#findEnvironment()
    for (const name of ['queue-url', 'management-endpoint'] as const) requireSetting(env, name)
    return this.#keep(await channelLayerFromEnvironment(env, { logger: this.#logger }))
  }

  async queue(): ReturnType<Reach['queue']> {
    const env = await this.#findEnvironment()
    const queue = deliveryQueueAt(requireSetting(env, 'queue-url'), readLayerEnvironment(env))
    const endpoint = requireSetting(env, 'management-endpoint')
    return { queue, endpoint, store: await this.#storeOf(env) }
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
