import type { Application, EventContext, Scope, Send } from '../application.ts'
import { type BroadcastEncoder, markHandlings } from '../broadcast.ts'
import type { ChannelLayer } from '../channel-layer.ts'
import { ConfigurationError, ProtocolError } from '../errors.ts'
import type { EventMap, Message } from '../message.ts'
import { findBroadcast, handlingOf } from './broadcasts.ts'
import { findHandler, hideFromEvents } from './handlers.ts'
import type { JsonOnly } from './json-only.ts'

/**
 * Handles events: of a connection (see {@link WebsocketConsumer}), HTTP requests (see {@link HttpConsumer}), or, extended
 * as it is, jobs of a worker channel. A fresh instance serves every event, so nothing survives on `this`.
 *
 * @typeParam S - the scope it needs, so that it only compiles behind the middleware and the path that give it
 * @typeParam Events - payloads by event type, for a typed {@link channelLayer}
 */
export abstract class Consumer<S extends Scope = Scope, Events = EventMap> {
  /** Which of the server's channel layers this consumer uses. */
  static readonly channelLayerAlias: string = 'default'

  /** Where the event comes from, and what middleware added. Set once the constructor is done. */
  declare readonly scope: S

  /** The channel that events come from: a connection's id, or a worker channel's name. */
  declare readonly channelName: string

  /** Sends to channels and groups. */
  declare readonly channelLayer: ChannelLayer<Events>

  /** What the server lends to this event. */
  declare readonly connection: S['connection']
  #send: Send | undefined

  /**
   * The application that serves each event with a fresh instance of this class. Does not compile for a class whose state
   * or typed events hold what JSON cannot carry.
   *
   * @param args - what the constructor is called with, each time
   * @throws {@link ConfigurationError} if an event could reach both a static and another method of the same name
   */
  static asApplication<T extends { readonly scope: Scope }, Args extends unknown[]>(
    this: (new (...args: Args) => T) & JsonOnly<T>,
    ...args: Args
  ): Application<T['scope']> {
    const application: Application<T['scope']> = async (scope, message, send) => {
      const consumer: unknown = new this(...args)
      if (!(consumer instanceof Consumer))
        throw new TypeError(`${this.name} is not a Consumer: extend WebsocketConsumer`)
      await consumer.#serve(scope, message, send)
    }
    return markHandlings(application, [handlingOf(this as unknown as typeof Consumer)])
  }

  /** What makes a frame's text of what a broadcast handler returns: by default that is the text. */
  static broadcastEncoder(): BroadcastEncoder {
    return asItStands
  }

  /**
   * Runs the handler for `message`: the method named by its type. What a static one, a broadcast handler, makes of it is
   * sent as one frame. A group send may have done that once for all members; then no consumer is asked.
   */
  protected async dispatch(message: Message): Promise<void> {
    const broadcast = findBroadcast(this.constructor as typeof Consumer, message.type)
    if (broadcast === undefined) {
      await findHandler(this, message.type).call(this, message)
      return
    }
    const text = await broadcast.render(message)
    if (text !== undefined) await this.sendMessage({ type: 'websocket.send', text })
  }

  /** Sends one protocol message, such as `websocket.send`, to the server. It is under way when this returns. */
  protected sendMessage(message: Message): Promise<void> {
    return this.connection.track(async () => this.#send?.(message))
  }

  /** Handles one event from its beginning to its end: what surrounds {@link dispatch}. */
  protected serveEvent(message: Message): Promise<void> {
    if (Object.hasOwn(this, 'state')) throw withState(this.constructor.name, this.scope.type)
    return this.dispatch(message)
  }

  async #serve(scope: S, message: Message, send: Send): Promise<void> {
    this.#attach(scope, send)
    scope.connection.servedBy(this.constructor.name)
    await this.serveEvent(message)
  }

  #attach(scope: S, send: Send): void {
    const connection: EventContext = scope.connection
    const { channelLayerAlias } = this.constructor as typeof Consumer
    this.#send = send
    Object.defineProperties(this, {
      scope: { value: scope },
      connection: { value: connection },
      channelName: { get: () => channelOf(scope) },
      channelLayer: { get: () => connection.channelLayer(channelLayerAlias) },
    })
  }
}

hideFromEvents(Consumer)

function channelOf(scope: Scope & { readonly channelName?: unknown; readonly channel?: unknown }): string {
  const name = scope.channelName ?? scope.channel
  if (typeof name === 'string') return name
  throw new ProtocolError(
    `a scope of type "${scope.type}" has no channel, so there is no channelName: send to a group or to another channel; channelLayer.newChannel() makes one where the layer keeps messages`,
  )
}

function withState(consumer: string, type: string): ConfigurationError {
  return new ConfigurationError(
    `${consumer} declares a state and serves scopes of type "${type}", which end with their event: only a WebSocket connection keeps state. Keep it in the session or in a table of your own`,
  )
}

function asItStands(content: unknown): unknown {
  return content
}
