import type { Application, Scope, WebsocketScope } from '../application.ts'
import { MemorySessionStore } from '../backends/memory/memory-session-store.ts'
import type { Clock } from '../clock.ts'
import type { JsonObject } from '../message.ts'
import { wrapApplication } from '../middleware/define-middleware.ts'
import { extendScope } from '../middleware/extend-scope.ts'
import type { Session } from '../sessions/session.ts'
import { StoredSession } from '../sessions/stored-session.ts'

const SESSION_AGE_SECONDS = 86_400

/** Who is at the other end of a connection, as middleware around the application would have found out. */
export interface TestIdentity<User = unknown, Data extends JsonObject | undefined = JsonObject | undefined> {
  /** What is `scope.user` in every event. */
  readonly user?: User
  /** What is in `scope.session` at first. */
  readonly session?: Data
}

/** What a {@link TestIdentity} adds to the scope. */
export type ScopeOf<User, Data> = ([User] extends [undefined] ? unknown : { readonly user: User }) &
  ([Data] extends [undefined] ? unknown : { readonly session: Session })

/** The identities of one test gateway's connections. */
export class TestIdentities {
  readonly #clock: Clock
  readonly #sessions: MemorySessionStore
  readonly #added = new Map<string, TestIdentity>()

  constructor(clock: Clock) {
    this.#clock = clock
    this.#sessions = new MemorySessionStore({ clock })
  }

  /** From now on this is who is at the other end of the connection. */
  async add(channelName: string, identity: TestIdentity): Promise<void> {
    this.#added.set(channelName, identity)
    if (identity.session === undefined) return
    const expiresAt = Math.floor(this.#clock.now() / 1000) + SESSION_AGE_SECONDS
    await this.#sessions.create(channelName, { data: identity.session, expiresAt })
  }

  /** The connection's session, as it is saved. */
  session(channelName: string): Session {
    return new StoredSession({
      store: this.#sessions,
      clock: this.#clock,
      ageSeconds: SESSION_AGE_SECONDS,
      expireAtBrowserClose: false,
      key: channelName,
      refusal: 'needs a cookie, and a WebSocket cannot set one: do it in an HTTP view',
      onStale: () => {},
    })
  }

  /** `application`, with the identity of each connection in its scope. */
  around(application: Application<WebsocketScope>): Application<WebsocketScope> {
    return wrapApplication<WebsocketScope>(application, async (scope, message, send) => {
      const identity = this.#identityOf(scope)
      if (identity === undefined) return application(scope, message, send)
      const { user } = identity
      const session = identity.session === undefined ? undefined : this.session(scope.channelName)
      const added = { ...(user !== undefined && { user }), ...(session && { session }) }
      await application(extendScope(scope, added), message, send)
      await session?.save()
    })
  }

  // The application may serve HTTP and workers too, and their scopes come this way as well.
  #identityOf(scope: Scope & Partial<WebsocketScope>): TestIdentity | undefined {
    return scope.type === 'websocket' && scope.channelName !== undefined
      ? this.#added.get(scope.channelName)
      : undefined
  }
}
