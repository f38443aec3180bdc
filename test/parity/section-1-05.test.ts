import { Hono } from 'hono'
import { expect, test } from 'vitest'
import { createHttpHandler } from '../../shared/gateway/index.ts'
import {
  type Application,
  ConfigurationError,
  type FetchEnvironment,
  HttpConsumer,
  type HttpScope,
  InvalidMessageError,
  ProtocolError,
  ProtocolTypeRouter,
} from '../../shared/index.ts'
import { HttpCommunicator, WebsocketCommunicator } from '../../shared/testing/index.ts'
import { GatewayWorld } from '../support/gateway-world.ts'
import { httpEvent } from '../support/http-events.ts'
import { RoomConsumer } from '../support/room-consumer.ts'

// 1.5 HTTP consumer

const websocket = RoomConsumer.asApplication()

type Handle = (consumer: HttpConsumer, body: Buffer) => Promise<void> | void

function consumerOf(handle: Handle, disconnect: () => void = () => {}): Application<HttpScope> {
  class Handling extends HttpConsumer {
    override async handle(body: Buffer): Promise<void> {
      await handle(this, body)
    }
    override disconnect(): void {
      disconnect()
    }
  }
  return Handling.asApplication()
}

/** What a client of `http` gets, and what the server noted of it. */
async function answerOf(http: Application<HttpScope>): Promise<{
  readonly status: number
  readonly body: string | undefined
  readonly world: GatewayWorld
}> {
  const application = ProtocolTypeRouter({ websocket, http })
  const world = new GatewayWorld({ application, runtime: { endpoint: 'https://api.example/prod' } })
  const { statusCode, body } = await createHttpHandler(application, world.runtime)(httpEvent())
  return { status: statusCode, body, world }
}

test('`AsyncHttpConsumer.handle(body)`', async () => {
  const application = consumerOf((consumer, body) => consumer.sendResponse(201, `got ${body.toString()}`))

  const response = await new HttpCommunicator(application, 'POST', '/', { body: 'grüße' }).getResponse()

  expect([response.status, response.body.toString()]).toEqual([201, 'got grüße'])
})

test('no `handle`: `NotImplementedError`', async () => {
  class Handleless extends HttpConsumer {
    declare handle: () => void
  }

  const { status, world } = await answerOf(Handleless.asApplication())

  expect(status).toBe(500)
  expect(world.failures[0]?.error).toBeInstanceOf(ConfigurationError)
})

test('`send_headers`, `send_body`, `send_response`', async () => {
  const inParts = consumerOf(async (consumer) => {
    await consumer.sendHeaders({ status: 202, headers: { 'X-Room': 'lobby' } })
    await consumer.sendBody('one ', { moreBody: true })
    await consumer.sendBody(Buffer.from('two'))
  })
  const atOnce = consumerOf((consumer) =>
    consumer.sendResponse(202, 'one two', { headers: [['X-Room', 'lobby']] }),
  )

  for (const application of [inParts, atOnce]) {
    const { status, headers, body } = await new HttpCommunicator(application, 'GET', '/').getResponse()
    expect([status, headers.get('x-room'), body.toString()]).toEqual([202, 'lobby', 'one two'])
  }
})

test('wrong calls are assertions', async () => {
  const mistakes: [Handle, typeof ProtocolError | typeof InvalidMessageError][] = [
    [() => {}, ProtocolError],
    [(consumer) => consumer.sendBody('before the headers'), ProtocolError],
    [(consumer) => consumer.sendResponse(200, { a: 1 } as never), ProtocolError],
    [(consumer) => consumer.sendResponse(99), InvalidMessageError],
    [(consumer) => consumer.sendResponse(200, '', { headers: { 'x-a': 'b\r\nc: d' } }), InvalidMessageError],
  ]
  for (const [handle, failure] of mistakes) {
    const { status, world } = await answerOf(consumerOf(handle))
    expect(status).toBe(500)
    expect(world.failures[0]?.error).toBeInstanceOf(failure)
  }
})

test('`disconnect()` runs in the end', async () => {
  const log: string[] = []
  const answer = async (handle: Handle): Promise<number> =>
    (await answerOf(consumerOf(handle, () => void log.push('disconnect')))).status

  expect(
    await answer(async (consumer) => {
      await consumer.sendResponse(200)
      log.push('handle')
    }),
  ).toBe(200)
  expect(await answer(() => Promise.reject(new Error('boom')))).toBe(500)

  expect(log).toEqual(['handle', 'disconnect', 'disconnect'])
})

test('an exception is a 500', async () => {
  const failure = new Error('the password is hunter2')

  const { status, body, world } = await answerOf(consumerOf(() => Promise.reject(failure)))

  expect([status, body]).toEqual([500, 'Internal Server Error\n'])
  expect(world.failures).toMatchObject([{ error: failure, context: { request: 'GET /' } }])
  expect(world.logged('error')).toHaveLength(1)
})

test('Django views beside WebSockets', async () => {
  const app = new Hono<{ Bindings: FetchEnvironment }>()
  app.get('/rooms/:room/', (c) => c.json({ room: c.req.param('room'), method: c.env.scope.method }))
  const application = ProtocolTypeRouter({ websocket, http: app.fetch })
  await using client = new WebsocketCommunicator(application, '/')

  const { status, body } = await new HttpCommunicator(application, 'GET', '/rooms/lobby/').getResponse()

  expect([status, JSON.parse(body.toString())]).toEqual([200, { room: 'lobby', method: 'GET' }])
  expect(await client.connect()).toEqual([true, null])
})

test('a view sends to a group', async () => {
  const application = ProtocolTypeRouter({
    websocket,
    http: async (request: Request, { channelLayer }: FetchEnvironment) =>
      Response.json(await channelLayer.groupSend('room', { type: 'room.say', text: await request.text() })),
  })
  await using client = new WebsocketCommunicator(application, '/')
  await client.connect()

  await new HttpCommunicator(application, 'POST', '/', { body: 'hello' }).getResponse()

  expect(await client.receiveFrom()).toBe('hello')
})
