import type { Clock } from '../../clock.ts'
import type { Message } from '../../message.ts'
import type { ChannelMessages, PutOptions } from '../../stores/channel-messages.ts'
import { Receivers } from '../../stores/receivers.ts'

/** A message as it waits: JSON as text, so that nobody shares an object with the store. */
interface WaitingMessage {
  readonly text: string
  readonly expiresAtMs: number
}

interface Channel {
  waiting: readonly WaitingMessage[]
  readonly receivers: Receivers
}

/** Messages in the memory of this process. A channel is here for as long as a message or a receiver waits in it. */
export class MemoryChannelMessages implements ChannelMessages {
  readonly #clock: Clock
  readonly #channels = new Map<string, Channel>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  async put(channelName: string, message: Message, { capacity, expiresAtMs }: PutOptions): Promise<boolean> {
    const text = JSON.stringify(message)
    const channel = this.#channel(channelName)
    const receiver = channel.receivers.takeFirst()
    if (receiver) {
      receiver.resolve(JSON.parse(text) as Message)
      return true
    }
    if (channel.waiting.length >= capacity) return false
    channel.waiting = [...channel.waiting, { text, expiresAtMs }]
    return true
  }

  async take(channelName: string, signal?: AbortSignal): Promise<Message> {
    signal?.throwIfAborted()
    const channel = this.#channel(channelName)
    const [first, ...others] = channel.waiting
    channel.waiting = others
    try {
      return first ? (JSON.parse(first.text) as Message) : await channel.receivers.wait(signal)
    } finally {
      this.#forgetIfDeserted(channelName)
    }
  }

  /** Forgets all messages. Who waits goes on waiting. */
  clear(): void {
    for (const channel of this.#channels.values()) channel.waiting = []
  }

  /** The channel, without the messages that have expired. */
  #channel(channelName: string): Channel {
    const known = this.#channels.get(channelName)
    if (known) {
      this.#dropExpired(known)
      return known
    }
    this.#forgetDeserted()
    const channel = { waiting: [], receivers: new Receivers() }
    this.#channels.set(channelName, channel)
    return channel
  }

  /** Channels whose messages have all expired, and from which nobody receives, would stay for ever. */
  #forgetDeserted(): void {
    for (const [name, channel] of this.#channels) {
      this.#dropExpired(channel)
      this.#forgetIfDeserted(name)
    }
  }

  /** Looks at the channel that is there now: whoever has waited may know one that was forgotten, and made anew, since. */
  #forgetIfDeserted(name: string): void {
    const channel = this.#channels.get(name)
    if (channel?.waiting.length === 0 && channel.receivers.isEmpty) this.#channels.delete(name)
  }

  #dropExpired(channel: Channel): void {
    const now = this.#clock.now()
    channel.waiting = channel.waiting.filter(({ expiresAtMs }) => expiresAtMs > now)
  }
}
