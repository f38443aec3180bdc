import type { Application, Connection, Scope, Send, WebsocketScope } from '../application.ts'
import type { ChannelLayer } from '../channel-layer.ts'
import type { EventMap, JsonObject, Message } from '../message.ts'
import { watchLostFields } from './field-watch.ts'
import { isUnchanged, stateChanges } from '../state-changes.ts'
import { findHandler, hideFromEvents } from './handlers.ts'
import { requireState } from './state.ts'

/**
 * Handles the events of one connection. A fresh instance serves every event, so nothing survives on `this`
 * but {@link state}.
 *
 * @typeParam S - the scope it needs, so that it only compiles behind the middleware and the path that give it
 * @typeParam Events - payloads by event type, for a typed {@link channelLayer}
 */
export abstract class Consumer<S extends Scope = WebsocketScope, Events = EventMap> {
  /** Which of the server's channel layers this consumer uses. */
  static readonly channelLayerAlias: string = 'default'

  /** The connection, as its handshake described it. Set once the constructor is done. */
  declare readonly scope: S

  /** The connection's own channel: its connection id. */
  declare readonly channelName: string

  /** Sends to channels and groups. */
  declare readonly channelLayer: ChannelLayer<Events>

  /**
   * What survives from one event of the connection to the next. A consumer that declares it with its first
   * value (`override state = { count: 0 }`) finds it loaded in every handler; changed keys are saved once,
   * when the handler is done. It is JSON, and small.
   *
   * Events of one connection may run at the same time: changes to different keys are both kept, of changes to
   * one key the last wins. Use {@link updateState} where the new value depends on the old one.
   */
  declare state: object

  declare readonly connection: Connection
  #send: Send | undefined
  #stored: JsonObject | undefined

  /**
   * The application that serves each event with a fresh instance of this class.
   *
   * @param args - what the constructor is called with, each time
   */
  static asApplication<T extends { readonly scope: Scope }, Args extends unknown[]>(
    this: new (...args: Args) => T,
    ...args: Args
  ): Application<T['scope']> {
    return async (scope, message, send) => {
      const consumer: unknown = new this(...args)
      if (!(consumer instanceof Consumer))
        throw new TypeError(`${this.name} is not a Consumer: extend WebsocketConsumer`)
      await consumer.#serve(scope, message, send)
    }
  }

  /**
   * Replaces the state by what `update` makes of the stored one, and only if no other event wrote in between:
   * `update` then runs again, so it must do nothing else. No increment is ever lost.
   *
   * Resolves to the new state, which is {@link state} from then on; to `undefined` if the connection is gone. What
   * this event has changed before is saved first.
   *
   * @throws {@link StoreError} if others keep writing in between
   * @example
   * ```ts
   * await this.updateState((state) => ({ ...state, count: state.count + 1 }))
   * ```
   */
  async updateState(update: (state: this['state']) => this['state']): Promise<this['state'] | undefined> {
    const initial = this.#initial
    const name = this.constructor.name
    await this.#saveState()
    const stored = await this.connection.updateState((current) =>
      requireState(update({ ...initial, ...current }), name),
    )
    if (stored === undefined) return undefined
    this.#stored = stored
    this.state = structuredClone({ ...initial, ...stored })
    return this.state
  }

  /** Runs the handler for `message`: the method named by its type. */
  protected async dispatch(message: Message): Promise<void> {
    await findHandler(this, message.type).call(this, message)
  }

  /** Sends one protocol message, such as `websocket.send`, to the server. */
  protected async sendMessage(message: Message): Promise<void> {
    await this.#send?.(message)
  }

  #initial: object = {}

  async #serve(scope: Scope, message: Message, send: Send): Promise<void> {
    this.#attach(scope as S & WebsocketScope, send)
    const name = this.constructor.name
    this.connection.servedBy(name)
    const watch = this.connection.isDevelopment ? watchLostFields(this, this.connection) : undefined
    if (!(await this.#loadState())) {
      this.connection.count('messageWithoutRecord')
      this.connection.logger.info('no handler runs: the connection is gone', {
        consumer: name,
        type: message.type,
      })
      return
    }
    await this.dispatch(message)
    watch?.report()
    await this.#saveState()
  }

  #attach(scope: S & WebsocketScope, send: Send): void {
    const { connection, channelName } = scope
    const alias = (this.constructor as typeof Consumer).channelLayerAlias
    this.#send = send
    Object.defineProperties(this, {
      scope: { value: scope },
      connection: { value: connection },
      channelName: { value: channelName },
      channelLayer: { get: () => connection.channelLayer(alias) },
    })
  }

  async #loadState(): Promise<boolean> {
    if (!Object.hasOwn(this, 'state')) return true
    this.#initial = requireState(this.state, this.constructor.name)
    const stored = await this.connection.loadState(() => this.#saveState())
    if (stored === undefined) return false
    this.#stored = stored
    this.state = structuredClone({ ...this.#initial, ...stored })
    return true
  }

  async #saveState(): Promise<void> {
    if (this.#stored === undefined) return
    const before: JsonObject = { ...(this.#initial as JsonObject), ...this.#stored }
    const after = requireState(this.state, this.constructor.name)
    const changes = stateChanges(before, after)
    if (isUnchanged(changes)) return
    if (await this.connection.saveState(changes)) this.#stored = after
    else this.connection.count('stateOfGoneConnection')
  }
}

hideFromEvents(Consumer.prototype)
