import type { Connection } from '../application.ts'
import { StoreError } from '../errors.ts'
import type { JsonObject, Message } from '../message.ts'
import { isUnchanged, type StateChanges, stateChanges, withChanges } from '../state-changes.ts'
import { requireState } from './state.ts'

/** A consumer that may declare a state. */
export interface StatefulConsumer {
  state: object
  readonly channelName: string
  readonly connection: Connection
}

/** Keeps the `state` of one consumer, for one event, in step with what is stored with its connection. */
export class StoredState {
  readonly #consumer: StatefulConsumer
  /** What the constructor left in `state`: stands in for keys that are not stored. */
  #initial: JsonObject = {}
  /** The state as stored, as far as this event knows; undefined while it is not loaded. */
  #stored: JsonObject | undefined
  /** Saves that are under way, one after the other. */
  #saving: Promise<unknown> = Promise.resolve()

  constructor(consumer: StatefulConsumer) {
    this.#consumer = consumer
  }

  /** Loads the state, if the consumer declares one. False if the connection is gone. */
  async load(): Promise<boolean> {
    if (!Object.hasOwn(this.#consumer, 'state')) return true
    this.#initial = this.#current()
    const stored = await this.#consumer.connection.loadState({
      saveNow: () => this.#save(),
      rebase: (saved) => this.#rebase(saved),
    })
    if (stored === undefined) return false
    this.#stored = stored
    this.#consumer.state = structuredClone({ ...this.#initial, ...stored })
    return true
  }

  /** Resolves to the state that `update` made of the stored one; to `undefined` if the connection is gone. */
  async update<State extends object>(update: (state: State) => State): Promise<State | undefined> {
    await this.#save()
    const stored = await this.#consumer.connection.updateState((current) => {
      const before = { ...this.#initial, ...current }
      // A copy: what `update` changes in place must differ from what was stored.
      const after = requireState(update(structuredClone(before) as object as State), this.#name)
      return withChanges(current, stateChanges(before, after))
    })
    if (stored === undefined) return undefined
    this.#rebase(stateChanges(this.#stored ?? {}, stored))
    return this.#consumer.state as State
  }

  /** The handler has run and its frames are out, so a store that is down is no reason to close the connection. */
  async saveAtEnd(message: Message): Promise<void> {
    try {
      await this.#save()
    } catch (error) {
      // An opening connection has nothing to lose: its handshake fails.
      if (!(error instanceof StoreError) || message.type === 'websocket.connect') throw error
      const { set, remove } = this.#changes(this.#current())
      const { connection, channelName } = this.#consumer
      connection.count('stateNotSaved')
      connection.logger.error('what a handler changed of its state could not be saved, and is lost', {
        channelName,
        consumer: this.#name,
        type: message.type,
        keys: [...Object.keys(set), ...remove],
        error,
      })
    }
  }

  /** Saves what has changed since the last time, behind a save that is under way: a later value is never overtaken. */
  #save(): Promise<void> {
    const save = this.#saving.then(() => this.#saveChanges())
    this.#saving = save.catch(() => {})
    return save
  }

  async #saveChanges(): Promise<void> {
    if (this.#stored === undefined) return
    const changes = this.#changes(this.#current())
    if (isUnchanged(changes)) return
    const { connection } = this.#consumer
    if (await connection.saveState(changes)) this.#stored = withChanges(this.#stored, changes)
    else connection.count('stateOfGoneConnection')
  }

  #changes(state: JsonObject): StateChanges {
    return stateChanges({ ...this.#initial, ...this.#stored }, state)
  }

  /** Takes over what was saved elsewhere, but for keys that this event has changed since its own last save. */
  #rebase({ set, remove }: StateChanges): void {
    if (this.#stored === undefined) return
    const own = this.#changes(this.#current())
    const isOwn = (key: string): boolean => Object.hasOwn(own.set, key) || own.remove.includes(key)
    this.#stored = withChanges(this.#stored, { set, remove })
    const state = this.#consumer.state as Record<string, unknown>
    for (const key of remove) if (!isOwn(key)) delete state[key]
    const taken = Object.entries(structuredClone(set)).filter(([key]) => !isOwn(key))
    // fromEntries defines properties, so a key named "__proto__" stays an ordinary key.
    Object.defineProperties(state, Object.getOwnPropertyDescriptors(Object.fromEntries(taken)))
  }

  #current(): JsonObject {
    return requireState(this.#consumer.state, this.#name)
  }

  get #name(): string {
    return this.#consumer.constructor.name
  }
}
