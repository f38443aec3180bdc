import { expect, test } from 'vitest'
import {
  type Application,
  defineMiddleware,
  fetchApplication,
  WebsocketConsumer,
  type WebsocketScope,
  wrapApplication,
} from '../../shared/index.ts'
import { HttpCommunicator, WebsocketCommunicator } from '../../shared/testing/index.ts'

// 1.7 Middleware

class TellingConsumer extends WebsocketConsumer<WebsocketScope & { readonly locale: string }> {
  override async receive(): Promise<void> {
    await this.send(this.scope.locale)
  }
}

test('`BaseMiddleware`', async () => {
  const given: WebsocketScope[] = []
  const localeMiddleware = defineMiddleware({
    name: 'locale',
    connect: (scope: WebsocketScope) => {
      given.push(scope)
      return { locale: scope.query['locale'] ?? 'en' }
    },
  })
  await using client = new WebsocketCommunicator(
    localeMiddleware(TellingConsumer.asApplication()),
    '/?locale=de',
  )
  await client.connect()

  await client.sendTo('')

  expect(await client.receiveFrom()).toBe('de')
  expect(given[0]).not.toHaveProperty('locale')
})

test('runs once per socket', async () => {
  const runs: string[] = []
  const localeMiddleware = defineMiddleware({
    name: 'locale',
    connect: () => {
      runs.push('connect')
      return { locale: 'de' }
    },
    resume: ({ locale }: { readonly locale?: string }) => {
      runs.push(`resume ${locale}`)
      return {}
    },
  })
  await using client = new WebsocketCommunicator(localeMiddleware(TellingConsumer.asApplication()), '/')

  await client.connect()
  await client.sendTo('')
  await client.sendTo('')

  expect(runs).toEqual(['connect', 'resume de', 'resume de'])
})

test('a function that wraps an application', async () => {
  const events: string[] = []
  const noting = (inner: Application<WebsocketScope>): Application<WebsocketScope> =>
    wrapApplication(inner, async (scope, message, send) => {
      events.push(`${message.type} begins`)
      await inner(scope, message, send)
      events.push(`${message.type} ends`)
    })
  class Plain extends WebsocketConsumer {}
  await using client = new WebsocketCommunicator(noting(Plain.asApplication()), '/')

  await client.connect()

  expect(events).toEqual(['websocket.connect begins', 'websocket.connect ends'])
})

test('wraps `send`', async () => {
  const loud = (inner: Application<WebsocketScope>): Application<WebsocketScope> =>
    wrapApplication(inner, (scope, message, send) =>
      inner(scope, message, (sent) =>
        send(typeof sent['text'] === 'string' ? { ...sent, text: sent['text'].toUpperCase() } : sent),
      ),
    )
  class Echo extends WebsocketConsumer {
    override async receive(text: string): Promise<void> {
      await this.send(text)
    }
  }
  await using client = new WebsocketCommunicator(loud(Echo.asApplication()), '/')
  await client.connect()
  await client.sendTo('hello')
  expect(await client.receiveFrom()).toBe('HELLO')

  const marked = defineMiddleware({
    name: 'mark',
    connect: () => ({ mark: 'seen' }),
    respond: ({ mark }, head) => ({ ...head, status: 203, headers: [...head.headers, ['x-mark', mark]] }),
  })
  const view = marked(fetchApplication(() => new Response('hello')))
  const { status, headers } = await new HttpCommunicator(view, 'GET', '/').getResponse()
  expect([status, headers.get('x-mark')]).toEqual([203, 'seen'])
})
