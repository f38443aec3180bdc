import { randomBytes } from 'node:crypto'
import { Hono } from 'hono'
import { expect, test } from 'vitest'
import { startLiveServer } from '../../local/live-server.ts'
import {
  type AnonymousUser,
  authMiddlewareStack,
  fetchApplication,
  type FetchEnvironment,
  type HttpScope,
  login,
  logout,
  ProtocolTypeRouter,
  type Session,
  UrlRouter,
  path,
  WebsocketConsumer,
  type WebsocketScope,
} from '../../shared/index.ts'
import { DynamoDBSessionStore } from '../../shared/backends/dynamodb/dynamodb-session-store.ts'
import { startTestDynamoDB } from '../support/dynamodb.ts'
import { isChromiumMissing, launchChromium } from './chromium.ts'
import { TestClient } from '../simulator/support/clients.ts'

interface Person {
  readonly id: string
}

/** What a script in the page sees. */
interface Page {
  readonly document: { readonly cookie: string }
}

type WithUser<S> = S & { readonly user: Person | AnonymousUser; readonly session: Session }

class WhoConsumer extends WebsocketConsumer<WithUser<WebsocketScope>> {
  override async receive(text: string): Promise<void> {
    if (text === 'logout') await logout(this.scope)
    await this.send(`${this.scope.user.id} has ${JSON.stringify(await this.scope.session.get('visits'))}`)
  }
}

const views = new Hono<{ Bindings: FetchEnvironment<WithUser<HttpScope>> }>()
views.post('/login', async (c) => {
  const { scope } = c.env
  await login(scope, { id: await c.req.text() })
  await scope.session.set('visits', Number((await scope.session.get('visits')) ?? 0) + 1)
  return c.text(String(scope.user.id), 200, { 'set-cookie': 'theme=dark; Path=/' })
})
views.get('/me', (c) => c.text(String(c.env.scope.user.id)))

views.get('/', (c) => c.html('<!doctype html><title>who</title>'))

/** The pair that a response's session cookie is sent back with. */
function sessionOf(response: Response): string {
  const cookie = response.headers.getSetCookie().find((header) => header.startsWith('sessionid=')) ?? ''
  return cookie.split(';')[0] ?? ''
}

/** The views and the consumer on a free port, with sessions in DynamoDB. */
async function serve(): Promise<{ readonly url: string; readonly base: string } & AsyncDisposable> {
  const resources = new AsyncDisposableStack()
  const { client, tableName } = resources.use(await startTestDynamoDB())
  const auth = authMiddlewareStack<Person>({
    store: new DynamoDBSessionStore({ client, tableName, timeoutMs: 30_000 }),
    secrets: [randomBytes(32).toString('base64url')],
    getUser: (id) => ({ id: String(id) }),
  })
  const application = ProtocolTypeRouter({
    http: auth(fetchApplication<WithUser<HttpScope>>(views.fetch)),
    websocket: auth(UrlRouter([path('ws/who/', WhoConsumer.asApplication())])),
  })
  const { url } = resources.use(await startLiveServer({ application }))
  const dispose = (): Promise<void> => resources.disposeAsync()
  return { url, base: url.replace(/^ws/, 'http'), [Symbol.asyncDispose]: dispose }
}

test('a user logs in over HTTP with Hono and is known to the WebSocket, cold, until the session ends', async () => {
  await using server = await serve()

  const loggedIn = await fetch(new URL('/login', server.base), { method: 'POST', body: 'ann' })
  expect(await loggedIn.text()).toBe('ann')
  expect(loggedIn.headers.getSetCookie()).toHaveLength(2)
  const cookie = sessionOf(loggedIn)

  const me = async (): Promise<string> =>
    (await fetch(new URL('/me', server.base), { headers: { cookie } })).text()
  expect(await me()).toBe('ann')

  const ann = await TestClient.open(`${server.url}/ws/who/`, { headers: { cookie } })
  const nobody = await TestClient.open(`${server.url}/ws/who/`)
  ann.send('who')
  nobody.send('who')
  expect(await ann.next()).toBe('ann has 1')
  expect(await nobody.next()).toBe('null has undefined')

  ann.send('logout')
  expect(await ann.next()).toBe('null has undefined')
  expect(JSON.parse(await ann.next())).toMatchObject({ type: 'websocket.close', code: 4401 })
  await ann.closed
  expect(await me()).toBe('null')
  await nobody.close()
}, 120_000)

test.skipIf(isChromiumMissing)(
  'a browser keeps the session cookie on this machine, hides it from scripts and sends it with a handshake',
  async () => {
    await using server = await serve()
    await using resources = new AsyncDisposableStack()
    const browser = await launchChromium()
    resources.defer(() => browser.close())
    const page = await browser.newPage()
    await page.goto(new URL('/', server.base).href)

    const seen = await page.evaluate(async (url) => {
      await fetch('/login', { method: 'POST', body: 'ann' })
      const socket = new WebSocket(url)
      const answer = new Promise((resolve) => {
        socket.addEventListener('message', (event) => resolve(event.data))
      })
      socket.addEventListener('open', () => socket.send('who'))
      return {
        answer: await answer,
        visible: (globalThis as unknown as Page).document.cookie,
        me: await (await fetch('/me')).text(),
      }
    }, `${server.url}/ws/who/`)

    expect(seen).toEqual({ answer: 'ann has 1', visible: 'theme=dark', me: 'ann' })
  },
  120_000,
)
