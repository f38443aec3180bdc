import { describe, expect, test } from 'vitest'
import { HttpConsumer } from '../../../shared/consumers/http-consumer.ts'
import { WebsocketConsumer } from '../../../shared/consumers/websocket-consumer.ts'
import { createHttpHandler } from '../../../shared/gateway/http-handler.ts'
import { ProtocolTypeRouter } from '../../../shared/routing/protocol-type-router.ts'
import { DenyConnection, StopConsumer } from '../../../shared/signals.ts'
import type { HttpResult } from '../../../shared/gateway/http-reply.ts'
import { GatewayWorld } from '../../support/gateway-world.ts'
import { httpEvent, type HttpEventFields } from '../../support/http-events.ts'

class RoomConsumer extends WebsocketConsumer {}

interface Steps {
  handle(this: HttpConsumer): Promise<void> | void
  disconnect?(): void
}

async function answer(
  steps: Steps,
  fields?: HttpEventFields,
): Promise<{ result: HttpResult; failures: readonly unknown[] }> {
  class View extends HttpConsumer {
    override handle(): Promise<void> | void {
      return steps.handle.call(this)
    }
    override disconnect(): void {
      steps.disconnect?.()
    }
  }
  const application = ProtocolTypeRouter({
    http: View.asApplication(),
    websocket: RoomConsumer.asApplication(),
  })
  const world = new GatewayWorld({ application, runtime: { endpoint: 'https://api.example/prod' } })
  const result = await createHttpHandler(application, world.runtime)(httpEvent(fields))
  return { result, failures: world.failures.map(({ error }) => error) }
}

function throwing(error: Error): () => never {
  return () => {
    throw error
  }
}

describe('what handle() and disconnect() throw', () => {
  const [first, second] = [new Error('no table'), new Error('no clean-up')]

  test('is both, if both fail', async () => {
    const { result, failures } = await answer({ handle: throwing(first), disconnect: throwing(second) })

    expect(result.statusCode).toBe(500)
    expect(failures).toMatchObject([
      { errors: [first, second], message: expect.stringMatching(/no table.*no clean-up/) as string },
    ])
  })

  test.each<[string, Steps]>([
    ['disconnect() alone', { handle: () => {}, disconnect: throwing(first) }],
    [
      'disconnect() after a denial',
      { handle: throwing(new DenyConnection(401)), disconnect: throwing(first) },
    ],
    ['disconnect() after a stop', { handle: throwing(new StopConsumer()), disconnect: throwing(first) }],
    ['handle() before a stop', { handle: throwing(first), disconnect: throwing(new StopConsumer()) }],
  ])('is the failure of %s, as it is', async (_name, steps) => {
    const { result, failures } = await answer(steps)

    expect(result.statusCode).toBe(500)
    expect(failures).toEqual([first])
  })
})

describe('sendResponse()', () => {
  test('says that text is plain text in UTF-8', async () => {
    const { result } = await answer({
      async handle() {
        await this.sendResponse(200, 'grüße', { headers: { 'x-room': 'lobby' } })
      },
    })

    expect(result).toMatchObject({
      headers: { 'x-room': 'lobby', 'content-type': 'text/plain; charset=utf-8' },
      body: 'grüße',
    })
  })

  test.each<
    [string, string | Uint8Array, Readonly<Record<string, string>>, Readonly<Record<string, string>>]
  >([
    [
      'text that has one',
      '{}',
      { 'Content-Type': 'application/json' },
      { 'content-type': 'application/json' },
    ],
    ['bytes', new Uint8Array([1, 255]), {}, {}],
    ['no body', '', {}, {}],
  ])('gives %s no type of its own', async (_name, body, headers, expected) => {
    const { result } = await answer({
      async handle() {
        await this.sendResponse(200, body, { headers })
      },
    })

    expect(result.headers).toEqual(expected)
  })

  test.each([204, 205, 304])('with %i has no body, whatever it was given', async (status) => {
    const { result } = await answer({
      async handle() {
        await this.sendResponse(status, 'hello')
      },
    })

    expect(result).toMatchObject({ statusCode: status })
    expect(result).not.toHaveProperty('body')
  })

  test('to HEAD has no body, and no length, which API Gateway says', async () => {
    const { result } = await answer(
      {
        async handle() {
          await this.sendResponse(200, 'hello', { headers: { 'content-length': '5' } })
        },
      },
      { method: 'HEAD' },
    )

    expect(result).toEqual({ statusCode: 200, headers: { 'content-type': 'text/plain; charset=utf-8' } })
  })
})
