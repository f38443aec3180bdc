import { describe, expect, test } from 'vitest'
import type { Application, WebsocketScope } from '../../../shared/application.ts'
import { broadcastOf } from '../../../shared/broadcast.ts'
import { WebsocketConsumer } from '../../../shared/consumers/websocket-consumer.ts'
import { ConfigurationError } from '../../../shared/errors.ts'
import { path } from '../../../shared/routing/path.ts'
import { UrlRouter } from '../../../shared/routing/url-router.ts'
import { allowedHostsOriginValidator, originValidator } from '../../../shared/security/origin-validator.ts'
import { WebsocketDenier } from '../../../shared/security/websocket-denier.ts'
import { TestGateway } from '../../../shared/testing/test-gateway.ts'
import { WebsocketCommunicator } from '../../../shared/testing/websocket-communicator.ts'
import { FakeConnection, FakeLogger, fakeScope } from '../../support/fake-connection.ts'
import { ignoreFrames } from '../../support/recording-application.ts'

class EchoConsumer extends WebsocketConsumer {
  static roomSaid({ text }: { readonly text: string }): string {
    return text
  }
  override async receive(text: string): Promise<void> {
    await this.send(text)
  }
}

const echo = EchoConsumer.asApplication()

async function handshake(
  application: Application<WebsocketScope>,
  origin: string | undefined,
  gateway = new TestGateway(application),
): Promise<readonly [boolean, unknown]> {
  const headers: Record<string, string> = origin === undefined ? {} : { Origin: origin }
  return new WebsocketCommunicator(application, '/ws/', { gateway, headers }).connect()
}

describe('originValidator', () => {
  test('lets a page of an allowed origin through, with all that follows', async () => {
    const application = originValidator(echo, ['https://chat.example'])
    await using client = new WebsocketCommunicator(application, '/', {
      headers: { Origin: 'https://chat.example' },
    })

    expect(await client.connect()).toEqual([true, null])
    await client.sendTo('hello')
    expect(await client.receiveFrom()).toBe('hello')
  })

  test('refuses any other page with 403, counts it, and says which origin it had in one line at info', async () => {
    const application = originValidator(echo, ['https://chat.example'])
    const logger = new FakeLogger()
    const gateway = new TestGateway(application, { logger })

    expect(await handshake(application, 'https://evil.example', gateway)).toEqual([false, 403])

    expect(gateway.counts.get('originRefused')).toBe(1)
    expect(logger.lines.filter(({ level }) => level !== 'debug')).toEqual([
      {
        level: 'info',
        message: 'handshake refused with 403: its origin is not allowed',
        details: { channelName: expect.any(String) as string, path: '/ws/', origin: 'https://evil.example' },
      },
    ])
  })

  test('an origin that is malformed is refused, and is no failure of the server', async () => {
    const application = originValidator(echo, ['https://chat.example'])
    const gateway = new TestGateway(application)

    expect(await handshake(application, 'https://chat.example:99999', gateway)).toEqual([false, 403])
    expect(await handshake(application, 'https://[::1', gateway)).toEqual([false, 403])
    expect(gateway.counts.get('handlerFailed')).toBeUndefined()
  })

  test('a handshake without an origin is refused, unless all are allowed', async () => {
    expect(await handshake(originValidator(echo, ['chat.example']), undefined)).toEqual([false, 403])
    expect(await handshake(originValidator(echo, ['*']), undefined)).toEqual([true, null])
  })

  test('a handshake with several origins is refused, even if each is allowed', async () => {
    const connection = new FakeConnection()
    const headers = { origin: ['https://chat.example', 'https://chat.example'] }
    const sent: unknown[] = []

    await originValidator(echo, ['*'])(
      fakeScope({ connection, headers }),
      { type: 'websocket.connect' },
      async (message) => void sent.push(message),
    )

    expect(sent).toEqual([{ type: 'websocket.close' }])
    expect(connection.counts.get('originRefused')).toBe(1)
  })

  test('a long origin is cut in the log', async () => {
    const connection = new FakeConnection()
    const scope = fakeScope({ connection, headers: { origin: ['x'.repeat(10_000)] } })

    await originValidator(echo, ['chat.example'])(scope, { type: 'websocket.connect' }, ignoreFrames)

    expect(JSON.stringify(connection.logger.lines).length).toBeLessThan(500)
  })

  test('is checked at the handshake only: a connection from before it goes on', async () => {
    const frames: unknown[] = []
    const application = originValidator(echo, ['https://chat.example'])

    await application(fakeScope(), { type: 'websocket.receive', text: 'still here' }, async (message) => {
      frames.push(message)
    })

    expect(frames).toEqual([{ type: 'websocket.send', text: 'still here' }])
  })

  test('a router outside sees the router inside, and a group send the broadcast handlers', async () => {
    const inner = originValidator(UrlRouter([path('chat/', echo)]), ['*'])
    const application = UrlRouter([path('ws/', inner)])
    await using client = new WebsocketCommunicator(application, '/ws/chat/')

    expect(await client.connect()).toEqual([true, null])
    expect(broadcastOf(application, 'room.said')).toBeDefined()
  })

  test.each([
    [[], 'originValidator got an empty list'],
    ['https://chat.example', 'originValidator got a string in place of a list'],
    [['https://chat.example/'], 'origin pattern "https://chat.example/" matches no origin'],
  ])('%j in place of origins is an error when it is given', (origins, message) => {
    expect(() => originValidator(echo, origins as readonly string[])).toThrow(ConfigurationError)
    expect(() => originValidator(echo, origins as readonly string[])).toThrow(message)
  })

  test('a request that is no WebSocket is an error that says where the validator belongs', async () => {
    const application = originValidator(echo, ['*'])
    const scope = { ...fakeScope(), type: 'http' } as unknown as WebsocketScope

    await expect(application(scope, { type: 'http.request' }, ignoreFrames)).rejects.toThrow(
      'originValidator got a scope of type "http"',
    )
  })
})

describe('allowedHostsOriginValidator', () => {
  test('allows pages of these hosts, whatever their scheme and port', async () => {
    const application = allowedHostsOriginValidator(echo, { allowedHosts: ['chat.example', '.dev.example'] })

    expect(await handshake(application, 'http://chat.example:8000')).toEqual([true, null])
    expect(await handshake(application, 'https://a.dev.example')).toEqual([true, null])
    expect(await handshake(application, 'http://localhost')).toEqual([false, 403])
  })

  test.each(['http://localhost:8000', 'https://app.localhost', 'http://127.0.0.1:3000', 'http://[::1]:8000'])(
    'in development an empty list allows %s',
    async (origin) => {
      const options = { allowedHosts: [], isDevelopment: true }

      expect(await handshake(allowedHostsOriginValidator(echo, options), origin)).toEqual([true, null])
      expect(await handshake(allowedHostsOriginValidator(echo, { allowedHosts: [] }), origin)).toEqual([
        true,
        null,
      ])
    },
  )

  test('in development an empty list allows no other machine', async () => {
    const application = allowedHostsOriginValidator(echo, { allowedHosts: [], isDevelopment: true })

    expect(await handshake(application, 'https://chat.example')).toEqual([false, 403])
    expect(await handshake(application, 'http://localhost.evil.example')).toEqual([false, 403])
  })

  test.each([{ allowedHosts: ['chat.example'] }, { allowedHosts: [], isDevelopment: true }])(
    'refuses a handshake without an origin unless it is told to let them in, and pages all the same: %j',
    async (options) => {
      const lenient = allowedHostsOriginValidator(echo, { ...options, allowsNoOrigin: true })

      expect(await handshake(allowedHostsOriginValidator(echo, options), undefined)).toEqual([false, 403])
      expect(await handshake(lenient, undefined)).toEqual([true, null])
      expect(await handshake(lenient, 'https://evil.example')).toEqual([false, 403])
      expect(await handshake(lenient, '')).toEqual([false, 403])
    },
  )

  test('in production an empty list is an error when it is given', () => {
    expect(() => allowedHostsOriginValidator(echo, { allowedHosts: [], isDevelopment: false })).toThrow(
      'allowedHostsOriginValidator got an empty list, so no handshake could be accepted',
    )
  })

  test('where the runtime says that it is production, an empty list fails the handshake', async () => {
    const application = allowedHostsOriginValidator(echo, { allowedHosts: [] })
    const scope = fakeScope({
      connection: new FakeConnection({ isDevelopment: false }),
      headers: { origin: ['http://localhost'] },
    })

    await expect(application(scope, { type: 'websocket.connect' }, ignoreFrames)).rejects.toThrow(
      ConfigurationError,
    )
  })
})

test('WebsocketDenier refuses every handshake with 403', async () => {
  const application = UrlRouter([path('closed/', WebsocketDenier.asApplication())])

  expect(await new WebsocketCommunicator(application, '/closed/').connect()).toEqual([false, 403])
})
