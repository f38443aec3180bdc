import { randomBytes } from 'node:crypto'
import type { Clock } from '../clock.ts'
import { ChannelFullError, NotSupportedError } from '../errors.ts'
import type { Message } from '../message.ts'
import { requireChannelName } from '../names.ts'
import type { ChannelMessages } from '../stores/channel-messages.ts'
import type { ChannelStore } from '../stores/channel-store.ts'
import type { MessageRules } from './message-rules.ts'

const RANDOM_BYTES = 16

/** What {@link ProcessLocalChannels} go by. */
export interface ProcessLocalChannelsOptions {
  readonly clock: Clock
  readonly messageRules: MessageRules
}

/** Says whether `channelName` is of the kind that `newChannel` makes: such a name has a `!`, as in Channels. */
export function isProcessLocal(channelName: string): boolean {
  return channelName.includes('!')
}

/**
 * Channels of code that is no consumer: their messages wait in the store until somebody receives them. A record, as a
 * connection has one, makes them members of groups.
 */
export class ProcessLocalChannels {
  readonly #store: ChannelStore
  readonly #clock: Clock
  readonly #rules: MessageRules

  constructor(store: ChannelStore, { clock, messageRules }: ProcessLocalChannelsOptions) {
    this.#store = store
    this.#clock = clock
    this.#rules = messageRules
  }

  async create(prefix: string): Promise<string> {
    requireMessages(this.#store)
    const connectionId = requireChannelName(`${prefix}${randomPart()}!${randomPart()}`)
    const connectedAt = this.#clock.now()
    const expiresAt = Math.floor(connectedAt / 1000) + this.#rules.groupExpirySeconds
    const nothing = { scope: {}, state: {}, version: 0, groups: [] }
    await this.#store.create({ ...nothing, connectionId, connectedAt, expiresAt })
    return connectionId
  }

  /** Puts `message` into the channel. False if the channel is full. */
  put(channelName: string, message: Message): Promise<boolean> {
    return requireMessages(this.#store).put(channelName, message, {
      capacity: this.#rules.capacities.of(channelName),
      expiresAtMs: this.#clock.now() + 1000 * this.#rules.expirySeconds,
    })
  }

  /** @throws {@link ChannelFullError} if the channel is full */
  async send(channelName: string, message: Message): Promise<void> {
    if (await this.put(channelName, message)) return
    const capacity = this.#rules.capacities.of(channelName)
    throw new ChannelFullError(
      `channel "${channelName}" is full, "${message.type.slice(0, 200)}" was not put into it: as many messages wait there as it takes (${capacity}); receive faster, send less, or raise its capacity`,
      { channelName, capacity },
    )
  }

  async receive(channelName: string, signal?: AbortSignal): Promise<Message> {
    const messages = requireMessages(this.#store)
    if (isProcessLocal(channelName)) return messages.take(channelName, signal)
    throw new NotSupportedError(
      `cannot receive from channel "${channelName}", whose name has no "!": messages of a connection run its consumer; receive from a channel that newChannel() made`,
    )
  }
}

function requireMessages({ messages }: ChannelStore): ChannelMessages {
  if (messages) return messages
  throw new NotSupportedError(
    'this store keeps no messages, so its channel layer has no newChannel() and no receive(): use the Redis layer, or the memory layer in a test, or let a consumer handle the message',
  )
}

function randomPart(): string {
  return randomBytes(RANDOM_BYTES).toString('base64url')
}
