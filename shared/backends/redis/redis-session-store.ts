import { type Clock, systemClock } from '../../clock.ts'
import type { SessionRecord, SessionStore, SessionWrite } from '../../stores/session-store.ts'
import { sessionPlace, ValueCodec, type ValueCodecOptions } from '../../stores/value-codec.ts'
import { requirePrefix, sessionKey } from './keys.ts'
import {
  type Fields,
  fieldsOfReply,
  isAlive,
  numberIn,
  type StateCoding,
  stateField,
  stateFields,
  stateIn,
} from './record-hash.ts'
import { RedisCalls } from './redis-calls.ts'
import type { RedisChannelStoreOptions } from './redis-channel-store.ts'
import { createSession, deleteEmptySession, saveSession, takeSession } from './session-scripts.ts'

const DEFAULT_PREFIX = 'channels'
const DEFAULT_TIMEOUT_MS = 5_000

/** Options of {@link RedisSessionStore}: it may share client and prefix of a {@link RedisChannelStore}. */
export interface RedisSessionStoreOptions
  extends Pick<RedisChannelStoreOptions, 'client' | 'prefix' | 'clock' | 'timeoutMs'>, ValueCodecOptions {}

/**
 * Sessions in Redis or Valkey, one hash each, which goes when it expires. Keys of a session's data are fields, so that
 * two writes of different keys both last.
 */
export class RedisSessionStore implements SessionStore {
  readonly #calls: RedisCalls
  readonly #prefix: string
  readonly #clock: Clock
  readonly #codec: ValueCodec

  /** @throws {@link ConfigurationError} if the prefix, the serializer or a key of encryption is no good */
  constructor(options: RedisSessionStoreOptions) {
    this.#calls = new RedisCalls(options.client, options.timeoutMs ?? DEFAULT_TIMEOUT_MS)
    this.#prefix = requirePrefix(options.prefix ?? DEFAULT_PREFIX)
    this.#clock = options.clock ?? systemClock
    this.#codec = new ValueCodec(options)
  }

  async load(key: string): Promise<SessionRecord | undefined> {
    const reply = await this.#calls.run(`load session "${key}"`, () =>
      this.#calls.client.hgetall(this.#key(key)),
    )
    return this.#recordOf(key, new Map(Object.entries(reply)))
  }

  async create(key: string, { data, expiresAt }: SessionRecord): Promise<boolean> {
    const fields = ['expiresAt', expiresAt, ...stateFields(data, this.#coding(key))]
    const outcome = await this.#calls.run(`create session "${key}"`, () => {
      const now = this.#nowSeconds()
      return this.#calls.script(createSession, this.#key(key), [now, expiresAt - now, ...fields])
    })
    return outcome === 1
  }

  async save(key: string, { set, remove, expiresAt }: SessionWrite): Promise<boolean> {
    const fields = ['expiresAt', expiresAt, ...stateFields(set, this.#coding(key))]
    const removed = remove.filter((name) => !Object.hasOwn(set, name)).map((name) => stateField(name))
    const outcome = await this.#calls.run(`save session "${key}"`, () => {
      const now = this.#nowSeconds()
      const head = [now, expiresAt - now, fields.length / 2]
      return this.#calls.script(saveSession, this.#key(key), [...head, ...fields, ...removed])
    })
    return outcome === 1
  }

  async delete(key: string): Promise<SessionRecord | undefined> {
    const reply = await this.#calls.run(`delete session "${key}"`, () =>
      this.#calls.script(takeSession, this.#key(key), []),
    )
    return this.#recordOf(key, fieldsOfReply(reply as readonly string[]))
  }

  async deleteIfEmpty(key: string): Promise<boolean> {
    const outcome = await this.#calls.run(`delete empty session "${key}"`, () =>
      this.#calls.script(deleteEmptySession, this.#key(key), [this.#nowSeconds()]),
    )
    return outcome === 1
  }

  #recordOf(key: string, fields: Fields): SessionRecord | undefined {
    if (!isAlive(fields, this.#nowSeconds())) return undefined
    return { data: stateIn(fields, this.#coding(key)), expiresAt: numberIn(fields, 'expiresAt') }
  }

  #key(key: string): string {
    return sessionKey(this.#prefix, key)
  }

  #coding(key: string): StateCoding {
    return { codec: this.#codec, placeOf: (name) => sessionPlace(key, name) }
  }

  #nowSeconds(): number {
    return Math.floor(this.#clock.now() / 1000)
  }
}
