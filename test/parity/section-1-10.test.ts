import { expect, test } from 'vitest'
import { createWebsocketHandler } from '../../shared/gateway/index.ts'
import {
  allowedHostsOriginValidator,
  type Application,
  ConfigurationError,
  originValidator,
  WebsocketConsumer,
  WebsocketDenier,
  type WebsocketScope,
} from '../../shared/index.ts'
import { ApplicationCommunicator, TestGateway, WebsocketCommunicator } from '../../shared/testing/index.ts'
import { FakeLogger } from '../support/fake-connection.ts'
import { GatewayWorld } from '../support/gateway-world.ts'
import { connectEvent } from '../support/websocket-events.ts'

// 1.10 Security

class PlainConsumer extends WebsocketConsumer {}

const plain = PlainConsumer.asApplication()

/** Whether a page of this origin is let in; the status if it is not. */
async function admits(application: Application<WebsocketScope>, Origin?: string): Promise<true | number> {
  const headers: Record<string, string> = Origin === undefined ? {} : { Origin }
  const [isAccepted, status] = await new WebsocketCommunicator(application, '/', { headers }).connect()
  return isAccepted || status
}

test('`OriginValidator`', async () => {
  const application = originValidator(plain, ['https://chat.example'])
  const logger = new FakeLogger()
  const gateway = new TestGateway(application, { logger })
  const evil = { gateway, headers: { Origin: 'https://evil.example' } }

  expect(await new WebsocketCommunicator(application, '/', evil).connect()).toEqual([false, 403])

  expect(gateway.counts.get('originRefused')).toBe(1)
  expect(logger.lines.filter(({ level }) => level !== 'debug')).toMatchObject([
    { level: 'info', details: { origin: 'https://evil.example' } },
  ])
  expect(await admits(application, 'https://chat.example')).toBe(true)
})

test('only for WebSockets', async () => {
  const application = originValidator(plain, ['*'])
  const communicator = new ApplicationCommunicator(application, { type: 'http' } as never)

  await expect(communicator.sendInput({ type: 'http.request' })).rejects.toThrow(ConfigurationError)
})

test('the last of several origins wins', async () => {
  const allowed = 'https://chat.example'
  const application = originValidator(plain, [allowed])
  const { runtime } = new GatewayWorld({ application })
  const statusFor = async (...origins: readonly string[]): Promise<number> => {
    const event = { ...connectEvent('a='), multiValueHeaders: { Origin: origins } }
    return (await createWebsocketHandler(application, runtime)(event)).statusCode
  }

  expect(await statusFor('https://evil.example', allowed)).toBe(403)
  expect(await statusFor(allowed, allowed)).toBe(403)
  expect(await statusFor(allowed)).toBe(200)
})

test('`*`, hosts, a leading dot, scheme and port', async () => {
  const cases: [string, string, true | number][] = [
    ['*', 'https://anywhere.example', true],
    ['chat.example', 'http://chat.example:8000', true],
    ['chat.example', 'https://www.chat.example', 403],
    ['.chat.example', 'https://www.chat.example', true],
    ['.chat.example', 'https://chat.example', true],
    ['.chat.example', 'https://evilchat.example', 403],
    ['https://chat.example', 'https://chat.example:443', true],
    ['https://chat.example', 'http://chat.example', 403],
    ['https://chat.example', 'https://chat.example:8443', 403],
  ]
  for (const [pattern, origin, answer] of cases) {
    expect([pattern, origin, await admits(originValidator(plain, [pattern]), origin)]).toEqual([
      pattern,
      origin,
      answer,
    ])
  }
})

test('no origin is denied, but for `*`', async () => {
  expect(await admits(originValidator(plain, ['chat.example']))).toBe(403)
  expect(await admits(originValidator(plain, ['*']))).toBe(true)
})

test('`AllowedHostsOriginValidator`', async () => {
  const application = allowedHostsOriginValidator(plain, { allowedHosts: ['chat.example', '.dev.example'] })

  expect(await admits(application, 'http://chat.example:8000')).toBe(true)
  expect(await admits(application, 'https://a.dev.example')).toBe(true)
  expect(await admits(application, 'http://localhost')).toBe(403)
})

test('in DEBUG, localhost', async () => {
  const application = allowedHostsOriginValidator(plain, { allowedHosts: [], isDevelopment: true })

  for (const origin of ['http://localhost:8000', 'http://127.0.0.1', 'http://[::1]:3000'])
    expect(await admits(application, origin)).toBe(true)
  expect(await admits(application, 'https://chat.example')).toBe(403)
  expect(() => allowedHostsOriginValidator(plain, { allowedHosts: [], isDevelopment: false })).toThrow(
    ConfigurationError,
  )
})

test('`WebsocketDenier`', async () => {
  expect(await admits(WebsocketDenier.asApplication())).toBe(403)
})
