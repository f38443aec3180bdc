import type { Application, Connection, Scope, Send, WebsocketScope } from '../application.ts'
import type { ChannelLayer } from '../channel-layer.ts'
import { StoreError } from '../errors.ts'
import type { EventMap, JsonObject, Message } from '../message.ts'
import { isUnchanged, type StateChanges, stateChanges, withChanges } from '../state-changes.ts'
import { watchLostFields } from './field-watch.ts'
import { findHandler, hideFromEvents } from './handlers.ts'
import type { JsonOnly } from './json-only.ts'
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
  /** What the constructor left in `state`: stands in for keys that are not stored. */
  #initial: JsonObject = {}
  /** The state as stored, as far as this event knows; undefined while it is not loaded. */
  #stored: JsonObject | undefined
  /** Saves that are under way, one after the other. */
  #saving: Promise<unknown> = Promise.resolve()

  /**
   * The application that serves each event with a fresh instance of this class. Does not compile for a class whose state
   * or typed events hold what JSON cannot carry.
   *
   * @param args - what the constructor is called with, each time
   */
  static asApplication<T extends { readonly scope: Scope }, Args extends unknown[]>(
    this: (new (...args: Args) => T) & JsonOnly<T>,
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
  updateState(update: (state: this['state']) => this['state']): Promise<this['state'] | undefined> {
    return this.connection.track(async () => {
      await this.#saveState()
      const stored = await this.connection.updateState((current) => {
        const before = { ...this.#initial, ...current }
        // A copy: what `update` changes in place must differ from what was stored.
        const after = requireState(update(structuredClone(before)), this.constructor.name)
        return withChanges(current, stateChanges(before, after))
      })
      if (stored === undefined) return undefined
      this.#rebase(stateChanges(this.#stored ?? {}, stored))
      return this.state
    })
  }

  /** Runs the handler for `message`: the method named by its type. */
  protected async dispatch(message: Message): Promise<void> {
    await findHandler(this, message.type).call(this, message)
  }

  /** Sends one protocol message, such as `websocket.send`, to the server. It is under way when this returns. */
  protected sendMessage(message: Message): Promise<void> {
    return this.connection.track(async () => this.#send?.(message))
  }

  async #serve(scope: Scope, message: Message, send: Send): Promise<void> {
    this.#attach(scope as S & WebsocketScope, send)
    const name = this.constructor.name
    this.connection.servedBy(name)
    const watch = this.connection.isDevelopment ? watchLostFields(this, this.connection) : undefined
    // The connection is gone: no handler runs, and the server counts that.
    if (!(await this.#loadState())) return
    await this.dispatch(message)
    watch?.report()
    await this.#saveAtEnd(message)
  }

  /** The handler has run and its frames are out, so a store that is down is no reason to close the connection. */
  async #saveAtEnd(message: Message): Promise<void> {
    try {
      await this.#saveState()
    } catch (error) {
      // An opening connection has nothing to lose: its handshake fails.
      if (!(error instanceof StoreError) || message.type === 'websocket.connect') throw error
      const { set, remove } = this.#changes(requireState(this.state, this.constructor.name))
      this.connection.count('stateNotSaved')
      this.connection.logger.error('what a handler changed of its state could not be saved, and is lost', {
        channelName: this.channelName,
        consumer: this.constructor.name,
        type: message.type,
        keys: [...Object.keys(set), ...remove],
        error,
      })
    }
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
    const stored = await this.connection.loadState({
      saveNow: () => this.#saveState(),
      rebase: (saved) => this.#rebase(saved),
    })
    if (stored === undefined) return false
    this.#stored = stored
    this.state = structuredClone({ ...this.#initial, ...stored })
    return true
  }

  /** Saves what has changed since the last time, behind a save that is under way: a later value is never overtaken. */
  #saveState(): Promise<void> {
    const save = this.#saving.then(() => this.#saveChanges())
    this.#saving = save.catch(() => {})
    return save
  }

  async #saveChanges(): Promise<void> {
    if (this.#stored === undefined) return
    const changes = this.#changes(requireState(this.state, this.constructor.name))
    if (isUnchanged(changes)) return
    if (await this.connection.saveState(changes)) this.#stored = withChanges(this.#stored, changes)
    else this.connection.count('stateOfGoneConnection')
  }

  #changes(state: JsonObject): StateChanges {
    return stateChanges({ ...this.#initial, ...this.#stored }, state)
  }

  /** Takes over what was saved elsewhere, but for keys that this event has changed since its own last save. */
  #rebase({ set, remove }: StateChanges): void {
    if (this.#stored === undefined) return
    const own = this.#changes(requireState(this.state, this.constructor.name))
    const isOwn = (key: string): boolean => Object.hasOwn(own.set, key) || own.remove.includes(key)
    this.#stored = withChanges(this.#stored, { set, remove })
    const state = this.state as Record<string, unknown>
    for (const key of remove) if (!isOwn(key)) delete state[key]
    const taken = Object.entries(structuredClone(set)).filter(([key]) => !isOwn(key))
    // fromEntries defines properties, so a key named "__proto__" stays an ordinary key.
    Object.defineProperties(state, Object.getOwnPropertyDescriptors(Object.fromEntries(taken)))
  }
}

hideFromEvents(Consumer.prototype)
