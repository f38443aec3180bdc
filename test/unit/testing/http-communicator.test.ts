import { describe, expect, test } from 'vitest'
import { fetchApplication, type FetchEnvironment } from '../../../shared/consumers/fetch-application.ts'
import { HttpConsumer } from '../../../shared/consumers/http-consumer.ts'
import { WebsocketConsumer } from '../../../shared/consumers/websocket-consumer.ts'
import type { HttpScope } from '../../../shared/application.ts'
import { ProtocolTypeRouter } from '../../../shared/routing/protocol-type-router.ts'
import { HttpCommunicator } from '../../../shared/testing/http-communicator.ts'
import { WebsocketCommunicator } from '../../../shared/testing/websocket-communicator.ts'

class NewsConsumer extends WebsocketConsumer {
  override groups = ['news']
}

const websocket = NewsConsumer.asApplication()

describe('HttpCommunicator', () => {
  test('gives an HttpConsumer the request, and its response back', async () => {
    let seen: HttpScope | undefined
    class Echo extends HttpConsumer {
      override async handle(body: Buffer): Promise<void> {
        seen = this.scope
        await this.sendResponse(201, body, {
          headers: [
            ['set-cookie', 'a=1'],
            ['set-cookie', 'b=2'],
            ['X-Seen', 'yes'],
          ],
        })
      }
    }

    const communicator = new HttpCommunicator(Echo.asApplication(), 'post', '/a%20b/?c=%64&c=e', {
      body: new Uint8Array([1, 255]),
      headers: { Cookie: 'x=1; y=2', 'Content-Type': 'image/png' },
      authorizer: { role: 'admin' },
    })
    const { status, headers, body } = await communicator.getResponse()

    expect(status).toBe(201)
    expect(headers.getSetCookie()).toEqual(['a=1', 'b=2'])
    expect(headers.get('x-seen')).toBe('yes')
    expect(body).toEqual(Buffer.from([1, 255]))
    expect(seen).toMatchObject({
      method: 'POST',
      path: '/a b/',
      queryString: 'c=%64&c=e',
      query: { c: 'e' },
      headers: { host: ['testserver'], cookie: ['x=1; y=2'], 'content-type': ['image/png'] },
      authorizer: { role: 'admin' },
    })
  })

  test('throws what the application throws', async () => {
    const failure = new Error('mine')
    const application = fetchApplication(() => Promise.reject(failure))

    await expect(new HttpCommunicator(application, 'GET', '/').getResponse()).rejects.toBe(failure)
  })

  test('has a path without a route as the 404 that it is', async () => {
    const application = ProtocolTypeRouter({ websocket })

    const communicator = new HttpCommunicator(application, 'GET', '/')

    expect((await communicator.getResponse()).status).toBe(404)
  })

  test('sends to the sockets of the same application', async () => {
    const application = ProtocolTypeRouter({
      websocket,
      http: async (_request: Request, { channelLayer }: FetchEnvironment) =>
        Response.json(await channelLayer.groupSendFrame('news', 'hi')),
    })
    await using socket = new WebsocketCommunicator(application, '/')
    await socket.connect()

    const { body } = await new HttpCommunicator(application, 'GET', '/').getResponse()

    expect(JSON.parse(body.toString())).toMatchObject({ delivered: 1 })
    expect(await socket.receiveFrom()).toBe('hi')
  })

  test('sends to the sockets of a gateway that it is given', async () => {
    await using socket = new WebsocketCommunicator(websocket, '/')
    await socket.connect()
    class Publish extends HttpConsumer {
      override async handle(body: Buffer): Promise<void> {
        await this.channelLayer.groupSendFrame('news', body.toString())
        await this.sendResponse(204)
      }
    }

    const { gateway } = socket
    const request = new HttpCommunicator(Publish.asApplication(), 'POST', '/', { body: 'hi', gateway })

    expect((await request.getResponse()).status).toBe(204)
    expect(await socket.receiveFrom()).toBe('hi')
  })

  test('gives up after its time and leaves the application alone', async () => {
    const { promise, resolve } = Promise.withResolvers<Response>()
    const communicator = new HttpCommunicator(
      fetchApplication(() => promise),
      'GET',
      '/',
    )

    await expect(communicator.getResponse(10)).rejects.toThrow('no response arrived within 10 ms')
    resolve(new Response('late'))

    expect((await communicator.getResponse()).body.toString()).toBe('late')
  })
})
