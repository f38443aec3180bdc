import type { Clock } from '../clock.ts'
import type { AnonymousUser, User } from './user.ts'

const MOST = 10_000

interface Recent<U> {
  readonly user: Promise<U | AnonymousUser>
  readonly untilMs: number
}

/**
 * Who was logged in with which session, as this container has found out lately. An entry belongs to one key of a session,
 * which is a hash of 256 random bits: no other client gets it.
 */
export class RecentUsers<U extends User> {
  readonly #clock: Clock
  readonly #lifeMs: number
  readonly #byKey = new Map<string, Recent<U>>()

  constructor(clock: Clock, seconds: number) {
    this.#clock = clock
    this.#lifeMs = seconds * 1000
  }

  /** The user of this session; `load` runs if that is not known, or not since lately. Events at a time share one load. */
  get(sessionKey: string, load: () => Promise<U | AnonymousUser>): Promise<U | AnonymousUser> {
    const now = this.#clock.now()
    const known = this.#byKey.get(sessionKey)
    if (known && known.untilMs > now) return known.user
    const user = load().then((loaded) => freeze(loaded))
    this.#byKey.delete(sessionKey)
    this.#byKey.set(sessionKey, { user, untilMs: now + this.#lifeMs })
    // A failure is not kept.
    user.catch(() => this.#forget(sessionKey, user))
    this.#forgetOldest()
    return user
  }

  #forget(sessionKey: string, user: unknown): void {
    if (this.#byKey.get(sessionKey)?.user === user) this.#byKey.delete(sessionKey)
  }

  #forgetOldest(): void {
    if (this.#byKey.size <= MOST) return
    const [oldest] = this.#byKey.keys()
    if (oldest !== undefined) this.#byKey.delete(oldest)
  }
}

/** Several events share it. */
function freeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  Object.freeze(value)
  for (const inner of Object.values(value)) freeze(inner)
  return value
}
