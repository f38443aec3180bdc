import type { Clock } from '../clock.ts'
import { requireJsonObject } from '../codec.ts'
import {
  ConfigurationError,
  InvalidMessageError,
  InvalidStateError,
  ProtocolError,
  StoreError,
} from '../errors.ts'
import type { JsonObject, JsonValue } from '../message.ts'
import { isUnchanged, type StateChanges, stateChanges } from '../state-changes.ts'
import type { SessionStore } from '../stores/session-store.ts'
import type { CycleOptions, Session } from './session.ts'
import { newSessionId, sessionKeyOf } from './session-cookie.ts'

/** Bytes of JSON that one session may have: a DynamoDB item ends at 400 KB, names included. */
const MAX_SESSION_BYTES = 300_000

/** The key under which an expiry of its own is kept with a session. */
const EXPIRY = '_expiry'

/** What a {@link StoredSession} is made of. */
export interface StoredSessionOptions {
  readonly store: SessionStore
  readonly clock: Clock
  /** How long a session is kept that says nothing else. */
  readonly ageSeconds: number
  /** Whether the cookie goes with the browser, if the session says nothing else. */
  readonly expireAtBrowserClose: boolean
  /** The id in the client's cookie; only in HTTP requests and handshakes. */
  readonly id?: string | undefined
  /** Whether there is a cookie, and none that a secret has signed. */
  readonly isForged?: boolean
  /** The key of the session, where the id is not known any more. */
  readonly key?: string | undefined
  /** Why a client without a session cannot be told of one, if it can't. */
  readonly refusal?: string | undefined
  /** The same, for one whose session is not there any more. */
  readonly refusalIfEnded?: string | undefined
  /** Called if there is no session under the key: it has ended or expired. */
  readonly onStale: () => void
}

/** What the client is to be told: an id, and how long to keep it. */
export interface ToldSession {
  readonly id: string
  /** `undefined` for as long as the browser is open. */
  readonly maxAgeSeconds: number | undefined
}

/** One client's session during one event. */
export class StoredSession implements Session {
  readonly #options: StoredSessionOptions
  #id: string | undefined
  #key: string | undefined
  #refusal: string | undefined
  #loading: Promise<void> | undefined
  #saving: Promise<unknown> = Promise.resolve()
  #stored: JsonObject = {}
  readonly #data = new Map<string, JsonValue>()
  #cycling: CycleOptions | undefined
  #isSaved = false
  #hasEnded = false

  constructor(options: StoredSessionOptions) {
    this.#options = options
    this.#id = options.id
    this.#key = options.key ?? (options.id === undefined ? undefined : sessionKeyOf(options.id))
    this.#refusal = options.refusal
  }

  get key(): string | undefined {
    return this.#key
  }

  get isModified(): boolean {
    return this.#cycling !== undefined || !isUnchanged(this.#changes())
  }

  /** Whether anything was asked of it: a response that came of it is for this client alone. */
  get isAccessed(): boolean {
    return this.#loading !== undefined
  }

  /** Whether the client's cookie is to go: it is forged, or its session was ended in this event and none has begun since. */
  get hasUselessCookie(): boolean {
    return this.#key === undefined && (this.#hasEnded || this.#options.isForged === true)
  }

  /** What the client is to be told of it, if it was saved in this event. */
  get told(): ToldSession | undefined {
    if (!this.#isSaved || this.#id === undefined) return undefined
    const { seconds, isBrowser } = this.#expiry()
    return { id: this.#id, maxAgeSeconds: isBrowser ? undefined : seconds }
  }

  /** Takes back what was changed and not saved. */
  revert(): void {
    this.#data.clear()
    for (const [key, value] of Object.entries(this.#stored)) this.#data.set(key, value)
    this.#cycling = undefined
  }

  /** From now on the client cannot be told of another session, for this reason. */
  seal(refusal: string): void {
    this.#refusal = refusal
  }

  async get(key: string): Promise<JsonValue | undefined> {
    await this.#load()
    return structuredClone(this.#data.get(key))
  }

  async has(key: string): Promise<boolean> {
    await this.#load()
    return this.#data.has(key)
  }

  async keys(): Promise<readonly string[]> {
    await this.#load()
    return [...this.#data.keys()].filter((key) => key !== EXPIRY)
  }

  async isEmpty(): Promise<boolean> {
    return (await this.keys()).length === 0
  }

  async set(key: string, value: JsonValue): Promise<void> {
    if (key === EXPIRY) throw new InvalidStateError(`session key "${key}" is taken: use setExpiry()`)
    const copy = requireJson(key, value)
    await this.#load()
    this.#requireTellable(`session.set(${JSON.stringify(key)})`)
    this.#data.set(key, copy)
  }

  async delete(key: string): Promise<boolean> {
    await this.#load()
    return this.#data.delete(key)
  }

  async flush(): Promise<void> {
    await this.#loading
    await this.#saving
    if (this.#key !== undefined) await this.#options.store.delete(this.#key)
    this.#forget()
    this.#hasEnded = true
    this.#loading = Promise.resolve()
  }

  async cycleKey(options: CycleOptions = {}): Promise<void> {
    await this.#load()
    this.#requireTellable('session.cycleKey()', true)
    this.#cycling = this.#key === undefined ? undefined : options
  }

  async setExpiry(expiry: number | 'browser' | undefined): Promise<void> {
    if (typeof expiry === 'number') requireSeconds('session.setExpiry()', expiry)
    await this.#load()
    this.#requireTellable('session.setExpiry()')
    if (expiry === undefined) this.#data.delete(EXPIRY)
    else this.#data.set(EXPIRY, expiry)
  }

  save(): Promise<boolean> {
    return this.#inTurn(async () => !this.isModified || (await this.#save()))
  }

  /** As `save`, and makes a session that nobody has changed last longer. */
  renew(): Promise<boolean> {
    return this.#inTurn(async () => {
      await this.#load()
      return (!this.isModified && this.#key === undefined) || (await this.#save())
    })
  }

  /** One save after the other: a later value is never overtaken. */
  #inTurn(save: () => Promise<boolean>): Promise<boolean> {
    const saving = this.#saving.then(save)
    this.#saving = saving.catch(() => {})
    return saving
  }

  async #save(): Promise<boolean> {
    const isEmpty = [...this.#data.keys()].every((key) => key === EXPIRY)
    if (isEmpty) this.#data.clear()
    if (isEmpty && this.#key === undefined) return true
    const data: JsonObject = Object.fromEntries(this.#data)
    requireSize(data)
    const expiresAt = Math.floor(this.#options.clock.now() / 1000) + this.#expiry().seconds
    const isThere =
      this.#key === undefined || this.#cycling
        ? await this.#create(data, expiresAt)
        : await this.#options.store.save(this.#key, { ...this.#changes(), expiresAt })
    if (!isThere) {
      this.#forget()
      return false
    }
    this.#stored = data
    this.#isSaved = true
    if (isEmpty) await this.#endIfEmpty()
    return true
  }

  /** Others may have put something into it meanwhile, which stays. */
  async #endIfEmpty(): Promise<void> {
    if (this.#key === undefined || !(await this.#options.store.deleteIfEmpty(this.#key))) return
    this.#forget()
    this.#hasEnded = true
  }

  /** False if the session whose data this is was ended meanwhile: it is not to go on under another id. */
  async #create(data: JsonObject, expiresAt: number): Promise<boolean> {
    const { store } = this.#options
    const former = this.#key
    const id = newSessionId()
    const key = sessionKeyOf(id)
    if (!(await store.create(key, { data, expiresAt }))) {
      throw new StoreError(
        `could not begin session "${key}": the answer of the store was lost, or its random id is taken; nothing that was set is saved, call again`,
        { retryable: true },
      )
    }
    // After the other: if this fails, the client still has its session, and nobody knows the new id.
    const last = former === undefined ? undefined : await store.delete(former)
    if (last === undefined && former !== undefined && this.#cycling?.evenIfEnded !== true) {
      await store.delete(key)
      return false
    }
    if (last) await this.#bring(last.data, { key, expiresAt })
    this.#id = id
    this.#key = key
    this.#cycling = undefined
    return true
  }

  /** Brings what others have changed since this was read, and nobody has here, to where it goes on. */
  async #bring(last: JsonObject, to: { readonly key: string; readonly expiresAt: number }): Promise<void> {
    const own = this.#changes()
    const isOwn = (name: string): boolean => Object.hasOwn(own.set, name) || own.remove.includes(name)
    const theirs = stateChanges(this.#stored, last)
    const set = Object.fromEntries(Object.entries(theirs.set).filter(([name]) => !isOwn(name)))
    const remove = theirs.remove.filter((name) => !isOwn(name))
    if (isUnchanged({ set, remove })) return
    await this.#options.store.save(to.key, { set, remove, expiresAt: to.expiresAt })
  }

  #load(): Promise<void> {
    this.#loading ??= this.#loadNow().catch((error: unknown) => {
      this.#loading = undefined
      throw error
    })
    return this.#loading
  }

  async #loadNow(): Promise<void> {
    if (this.#key === undefined) return
    const record = await this.#options.store.load(this.#key)
    if (record === undefined) {
      // An id that the store does not know is never taken over: it may be one that somebody else has chosen.
      this.#forget()
      this.#refusal = this.#options.refusalIfEnded ?? this.#refusal
      this.#options.onStale()
      return
    }
    this.#stored = record.data
    for (const [key, value] of Object.entries(record.data)) this.#data.set(key, value)
  }

  #forget(): void {
    this.#id = undefined
    this.#key = undefined
    this.#stored = {}
    this.#data.clear()
    this.#cycling = undefined
    this.#isSaved = false
  }

  #changes(): StateChanges {
    return stateChanges(this.#stored, Object.fromEntries(this.#data))
  }

  #expiry(): { readonly seconds: number; readonly isBrowser: boolean } {
    const { ageSeconds, expireAtBrowserClose } = this.#options
    const own = this.#data.get(EXPIRY)
    return {
      seconds: typeof own === 'number' ? own : ageSeconds,
      isBrowser: own === 'browser' || (own === undefined && expireAtBrowserClose),
    }
  }

  /** Throws if the call would make a session, or another one, that the client cannot be told of. */
  #requireTellable(call: string, needsCookie = this.#key === undefined): void {
    if (needsCookie && this.#refusal !== undefined) throw new ProtocolError(`${call} ${this.#refusal}`)
  }
}

/** @throws {@link ConfigurationError} if `seconds` is no time to live */
export function requireSeconds(what: string, seconds: number): void {
  if (Number.isSafeInteger(seconds) && seconds >= 1) return
  throw new ConfigurationError(`${what} got ${seconds} seconds: use a whole number from 1`)
}

function requireJson(key: string, value: unknown): JsonValue {
  if (value === undefined) {
    throw new InvalidStateError(`session key "${key}" was set to undefined: use delete() to remove it`)
  }
  try {
    return requireJsonObject(Object.fromEntries([[key, value]]), 'session')[key] ?? null
  } catch (error) {
    if (!(error instanceof InvalidMessageError)) throw error
    throw new InvalidStateError(`a session keeps JSON alone: ${error.message}`, { cause: error })
  }
}

function requireSize(data: JsonObject): void {
  const size = Buffer.byteLength(JSON.stringify(data))
  if (size <= MAX_SESSION_BYTES) return
  throw new InvalidStateError(
    `a session has ${size} bytes, ${MAX_SESSION_BYTES} is the most: keep what is large in a table of your own and its key in the session`,
  )
}
