import type { HttpScope, WebsocketScope } from '../../shared/application.ts'
import { MemorySessionStore } from '../../shared/backends/memory/memory-session-store.ts'
import { fetchApplication } from '../../shared/consumers/fetch-application.ts'
import { WebsocketConsumer } from '../../shared/consumers/websocket-consumer.ts'
import { cookieMiddleware } from '../../shared/middleware/cookie-middleware.ts'
import { ProtocolTypeRouter } from '../../shared/routing/protocol-type-router.ts'
import type { Session } from '../../shared/sessions/session.ts'
import { type SessionOptions, sessionMiddleware } from '../../shared/sessions/session-middleware.ts'
import type { SessionStore } from '../../shared/stores/session-store.ts'
import { ManualClock } from '../../shared/testing/manual-clock.ts'
import { FakeLogger } from './fake-connection.ts'
import { TestBrowser } from './test-browser.ts'

/** A secret for tests. */
export const SECRET = 'the secret of this very test run'

/** A store in memory that tells what it was asked for, and fails on demand. */
export class WatchedSessionStore implements SessionStore {
  readonly clock = new ManualClock(Date.UTC(2026, 5, 1))
  /** The methods that were called, in order. */
  readonly calls: string[] = []
  /** The keys of sessions that were created. */
  readonly created: string[] = []
  /** Awaited before each `create` and `save`, if set. */
  beforeSave: (() => Promise<void>) | undefined
  /** Thrown by every call, if set. */
  failure: Error | undefined
  readonly #store = new MemorySessionStore({ clock: this.clock })

  async load(key: string): ReturnType<SessionStore['load']> {
    this.#note('load')
    return this.#store.load(key)
  }

  async create(...args: Parameters<SessionStore['create']>): Promise<boolean> {
    this.#note('create')
    await this.beforeSave?.()
    this.created.push(args[0])
    return this.#store.create(...args)
  }

  async save(...args: Parameters<SessionStore['save']>): Promise<boolean> {
    this.#note('save')
    await this.beforeSave?.()
    return this.#store.save(...args)
  }

  async delete(key: string): ReturnType<SessionStore['delete']> {
    this.#note('delete')
    return this.#store.delete(key)
  }

  async deleteIfEmpty(key: string): Promise<boolean> {
    this.#note('deleteIfEmpty')
    return this.#store.deleteIfEmpty(key)
  }

  /** What was called since the last time. */
  takeCalls(): readonly string[] {
    return this.calls.splice(0)
  }

  #note(call: string): void {
    this.calls.push(call)
    if (this.failure) throw this.failure
  }
}

/** A view, of whose request only the session matters. */
export type View = (session: Session, request: Request) => Promise<Response | string | void>
/** What is done for a frame. */
export type Handler = (session: Session, text: string) => Promise<string | undefined>

/** What {@link sessionWorld} returns. */
export interface SessionWorld {
  readonly store: WatchedSessionStore
  readonly browser: TestBrowser
  readonly newBrowser: () => TestBrowser
  readonly logger: FakeLogger
}

/** One server whose views and frames are the given ones, by path; every browser is another client. */
export function sessionWorld(
  views: Readonly<Record<string, View>>,
  options: Partial<SessionOptions> & { readonly frame?: Handler; readonly connect?: Handler } = {},
): SessionWorld {
  const store = new WatchedSessionStore()
  const logger = new FakeLogger()
  const { frame, connect, ...sessionOptions } = options
  const sessions = sessionMiddleware({ store, secrets: [SECRET], clock: store.clock, ...sessionOptions })
  class Frames extends WebsocketConsumer<WebsocketScope & { readonly session: Session }> {
    override async connect(): Promise<void> {
      await connect?.(this.scope.session, '')
      await this.accept()
    }
    override async receive(text: string): Promise<void> {
      const answer = await frame?.(this.scope.session, text)
      if (answer !== undefined) await this.send(answer)
    }
  }
  const application = ProtocolTypeRouter({
    http: cookieMiddleware(
      sessions(
        fetchApplication<HttpScope & { readonly session: Session }>(async (request, { scope }) => {
          const answer = await views[scope.path]?.(scope.session, request)
          return answer instanceof Response ? answer : new Response(answer ?? 'done')
        }),
      ),
    ),
    websocket: cookieMiddleware(sessions(Frames.asApplication())),
  })
  const newBrowser = TestBrowser.several(application, { logger, clock: store.clock })
  return { store, browser: newBrowser(), newBrowser, logger }
}

/** Tells what is under `n`. */
export const show: View = async (session) => JSON.stringify((await session.get('n')) ?? null)
/** Counts up what is under `n`. */
export const count: View = async (session) => {
  await session.set('n', Number((await session.get('n')) ?? 0) + 1)
}
