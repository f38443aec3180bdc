import { afterEach, expect, test, vi } from 'vitest'
import { application } from '../../../functions/application.ts'
import { HttpCommunicator } from '../../../shared/testing/http-communicator.ts'
import { WebsocketCommunicator } from '../../../shared/testing/websocket-communicator.ts'

const connect = async (headers: Readonly<Record<string, string>>): Promise<readonly unknown[]> => {
  await using client = new WebsocketCommunicator(application, '/ws/chat/lobby/', { headers })
  return await client.connect()
}

test.each([{}, { origin: 'http://localhost:8000' }, { origin: 'http://127.0.0.1:8000' }])(
  'in development the functions let in pages of this machine, and what is no page: %j',
  async (headers) => {
    expect(await connect(headers)).toEqual([true, null])
  },
)

test.each(['https://evil.example', 'null', 'http://localhost.evil.example:8000'])(
  'the functions refuse the page of another site, %s',
  async (origin) => {
    expect(await connect({ origin })).toEqual([false, 403])
  },
)

afterEach(() => {
  vi.unstubAllEnvs()
  vi.resetModules()
})

test.each([
  ['', "connect-src 'self';"],
  ['wss://a1.example/prod', "connect-src 'self' wss://a1.example;"],
])('with CHANNELS_WEBSOCKET_URL=%s the pages may open sockets: %s', async (url, policy) => {
  vi.stubEnv('CHANNELS_WEBSOCKET_URL', url)
  const functions = await import('../../../functions/application.ts')

  const client = new HttpCommunicator(functions.application, 'GET', '/chat/lobby/')
  const response = await client.getResponse(30_000)

  expect(response.headers.get('content-security-policy')).toContain(policy)
  expect(String(response.body).includes(`content="${url}"`)).toBe(url !== '')
})
