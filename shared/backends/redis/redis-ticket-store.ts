import { type Clock, systemClock } from '../../clock.ts'
import type { Ticket, TicketStore } from '../../stores/ticket-store.ts'
import { requireObject, ticketPlace, ValueCodec } from '../../stores/value-codec.ts'
import { requirePrefix, ticketKey } from './keys.ts'
import { RedisCalls } from './redis-calls.ts'
import type { RedisSessionStoreOptions } from './redis-session-store.ts'
import { takeValue } from './session-scripts.ts'

const DEFAULT_PREFIX = 'channels'
const DEFAULT_TIMEOUT_MS = 5_000
/** What the one value of a ticket is stored as belonging to. */
const WHOLE = 'data'

/** Options of {@link RedisTicketStore}: it may share client and prefix of a {@link RedisChannelStore}. */
export type RedisTicketStoreOptions = RedisSessionStoreOptions

/** Tickets in Redis or Valkey, one key each, which goes when it is taken or expires. */
export class RedisTicketStore implements TicketStore {
  readonly #calls: RedisCalls
  readonly #prefix: string
  readonly #clock: Clock
  readonly #codec: ValueCodec

  /** @throws {@link ConfigurationError} if the prefix, the serializer or a key of encryption is no good */
  constructor(options: RedisTicketStoreOptions) {
    this.#calls = new RedisCalls(options.client, options.timeoutMs ?? DEFAULT_TIMEOUT_MS)
    this.#prefix = requirePrefix(options.prefix ?? DEFAULT_PREFIX)
    this.#clock = options.clock ?? systemClock
    this.#codec = new ValueCodec(options)
  }

  async put(key: string, { data, expiresAt }: Ticket): Promise<void> {
    const text = `${expiresAt} ${this.#codec.encodeText(data, ticketPlace(key, WHOLE))}`
    await this.#calls.run(`put ticket "${key}"`, async () => {
      const seconds = Math.ceil(expiresAt - this.#clock.now() / 1000)
      if (seconds > 0) await this.#calls.client.set(ticketKey(this.#prefix, key), text, 'EX', seconds)
    })
  }

  async take(key: string): Promise<Ticket | undefined> {
    const text = await this.#calls.run(`take ticket "${key}"`, () =>
      this.#calls.script(takeValue, ticketKey(this.#prefix, key), []),
    )
    if (typeof text !== 'string') return undefined
    const [expiresAt, stored] = split(text)
    if (expiresAt * 1000 <= this.#clock.now()) return undefined
    const place = ticketPlace(key, WHOLE)
    return { data: requireObject(this.#codec.decodeText(stored, place), place), expiresAt }
  }
}

function split(text: string): [expiresAt: number, stored: string] {
  const end = text.indexOf(' ')
  return [Number(text.slice(0, end)), text.slice(end + 1)]
}
