import { expect, test } from 'vitest'
import { requireMessage } from '../../shared/codec.ts'
import { JsonWebsocketConsumer } from '../../shared/consumers/json-websocket-consumer.ts'
import { InvalidMessageError } from '../../shared/errors.ts'
import { fakeScope } from '../support/fake-connection.ts'

test.each(['chat.message', 'websocket.disconnect', 'websocket.connect'])(
  'a frame that poses as the event "%s" is content like any other',
  async (type) => {
    const calls: string[] = []
    class ChatConsumer extends JsonWebsocketConsumer {
      override async connect(): Promise<void> {
        calls.push('connect')
      }
      override async receiveJson(): Promise<void> {
        calls.push('receiveJson')
      }
      override async disconnect(): Promise<void> {
        calls.push('disconnect')
      }
      async chatMessage(): Promise<void> {
        calls.push('chatMessage')
      }
    }

    const frame = { type: 'websocket.receive', text: JSON.stringify({ type }) }
    await ChatConsumer.asApplication()(fakeScope(), frame, async () => {})

    expect(calls).toEqual(['receiveJson'])
  },
)

test.each([
  'websocket.receive',
  'websocket.disconnect',
  'websocket.close',
  'http.request',
  'lifespan.shutdown',
])('an application cannot send "%s" through a channel layer', (type) => {
  expect(() => requireMessage({ type })).toThrow(InvalidMessageError)
})

test('a key named __proto__ in a message stays a key', () => {
  const message = requireMessage(JSON.parse('{"type":"chat.message","__proto__":{"admin":true}}'))

  expect('admin' in message).toBe(false)
  expect(Object.keys(message)).toContain('__proto__')
})
