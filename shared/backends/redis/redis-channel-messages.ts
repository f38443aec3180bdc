import type { Clock } from '../../clock.ts'
import type { Message } from '../../message.ts'
import type { ChannelMessages, PutOptions } from '../../stores/channel-messages.ts'
import { type Receiver, Receivers } from '../../stores/receivers.ts'
import { requireObject, type ValueCodec } from '../../stores/value-codec.ts'
import { BLOCK_SECONDS, BlockingConnections } from './blocking-connections.ts'
import { messagesKey } from './keys.ts'
import { putMessage, takeMessage } from './message-scripts.ts'
import { RedisCalls, type RedisClient } from './redis-calls.ts'

/** What {@link RedisChannelMessages} are made of. */
export interface RedisChannelMessagesOptions {
  readonly client: RedisClient
  readonly prefix: string
  readonly clock: Clock
  readonly timeoutMs: number
  readonly codec: ValueCodec
}

/**
 * Messages in lists of Redis.
 *
 * A put whose answer is lost is made again, so its message can come twice; a message whose answer is lost while it is
 * taken is lost. Who waits in another process gets messages in no certain turn.
 */
export class RedisChannelMessages implements ChannelMessages {
  readonly #options: RedisChannelMessagesOptions
  readonly #calls: RedisCalls
  readonly #blocking: BlockingConnections
  /** Those who wait in this process, by channel; while there are any, one loop serves them. */
  readonly #receivers = new Map<string, Receivers>()

  constructor(options: RedisChannelMessagesOptions) {
    this.#options = options
    this.#calls = new RedisCalls(options.client, options.timeoutMs)
    this.#blocking = new BlockingConnections(options.client, options.timeoutMs)
  }

  async put(channelName: string, message: Message, { capacity, expiresAtMs }: PutOptions): Promise<boolean> {
    const { clock, codec } = this.#options
    const text = codec.encodeText({ ...message, type: message.type }, placeOf(channelName))
    const outcome = await this.#calls.run(`put a message into channel "${channelName}"`, () =>
      this.#calls.script(putMessage, this.#key(channelName), [
        clock.now(),
        expiresAtMs,
        capacity,
        `${expiresAtMs} ${text}`,
      ]),
    )
    return outcome === 1
  }

  async take(channelName: string, signal?: AbortSignal): Promise<Message> {
    signal?.throwIfAborted()
    const known = this.#receivers.get(channelName)
    if (known) return known.wait(signal)
    const receivers = new Receivers()
    this.#receivers.set(channelName, receivers)
    const message = receivers.wait(signal)
    void this.#serve(channelName, receivers)
    return message
  }

  /** Serves receivers of one channel until none is left. Never rejects: when the server fails, they are all told. */
  async #serve(channelName: string, receivers: Receivers): Promise<void> {
    try {
      while (!receivers.isEmpty) {
        if (!(await this.#serveFirst(channelName, receivers)))
          await this.#untilArrival(channelName, receivers)
      }
    } catch (error) {
      receivers.rejectAll(error)
    } finally {
      this.#receivers.delete(channelName)
    }
  }

  /** False if there is no message. */
  async #serveFirst(channelName: string, receivers: Receivers): Promise<boolean> {
    const receiver = receivers.takeFirst()
    if (!receiver) return false
    try {
      const text = await this.#takeNow(channelName)
      if (text === undefined) receivers.putBack(receiver)
      else this.#handOut(text, channelName, receiver)
      return text !== undefined
    } catch (error) {
      receiver.reject(error)
      throw error
    }
  }

  /** A message that cannot be read fails who took it; those behind wait for the next one. */
  #handOut(text: string, channelName: string, receiver: Receiver): void {
    const place = placeOf(channelName)
    try {
      receiver.resolve(requireObject(this.#options.codec.decodeText(text, place), place) as Message)
    } catch (error) {
      receiver.reject(error)
    }
  }

  /** The text of the first message; `undefined` if none waits. */
  async #takeNow(channelName: string): Promise<string | undefined> {
    const entry = await this.#calls.run(`receive from channel "${channelName}"`, () =>
      this.#calls.script(takeMessage, this.#key(channelName), [this.#options.clock.now()]),
    )
    return typeof entry === 'string' ? entry.slice(entry.indexOf(' ') + 1) : undefined
  }

  /**
   * Resolves soon after something was put into the channel, or nobody waits any more. It takes nothing, so whoever stops
   * waiting loses nothing: the first entry of the list is moved to where it is. Needs Redis 6.2.
   */
  async #untilArrival(channelName: string, receivers: Receivers): Promise<void> {
    const key = this.#key(channelName)
    const attempt = `wait for a message in channel "${channelName}"`
    await this.#blocking.use(async (calls) => {
      const peek = (): Promise<string | null> => calls.client.blmove(key, key, 'LEFT', 'LEFT', BLOCK_SECONDS)
      while (!receivers.isEmpty && (await calls.run(attempt, peek)) === null);
    })
  }

  #key(channelName: string): string {
    return messagesKey(this.#options.prefix, channelName)
  }
}

function placeOf(channelName: string): string {
  return `message in channel "${channelName}"`
}
