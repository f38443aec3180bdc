import fc from 'fast-check'
import { expect, test } from 'vitest'
import { findBroadcast } from '../../shared/consumers/broadcasts.ts'
import { Consumer } from '../../shared/consumers/consumer.ts'
import { JsonWebsocketConsumer } from '../../shared/consumers/json-websocket-consumer.ts'
import { WebsocketConsumer } from '../../shared/consumers/websocket-consumer.ts'

class ChatConsumer extends JsonWebsocketConsumer {
  static readonly pattern = JSON.parse
  static readonly Model = Map
  static readonly topic = 'news'

  static chatMessage(): object {
    return {}
  }

  static get accessor(): () => void {
    return () => {}
  }

  static #secret(): string {
    return 'private'
  }

  static readonly usesIt = [ChatConsumer.#secret]
}

/** Every name that the framework or JavaScript gives a consumer class or its instances. */
const reservedNames = [
  ...new Set([...everyName(JsonWebsocketConsumer), ...everyName(JsonWebsocketConsumer.prototype)]),
]

test('an event reaches the static method that the application defined', () => {
  expect(findBroadcast(ChatConsumer, 'chat.message')).toBeDefined()
})

test.each(reservedNames)('no event reaches the static %s of the framework or of JavaScript', (name) => {
  expect(findBroadcast(ChatConsumer, name)).toBeUndefined()
})

test.each(reservedNames)(
  'no event reaches %s where the application defines it as a static method',
  (name) => {
    class Overriding extends JsonWebsocketConsumer {}
    if (name !== 'prototype')
      Object.defineProperty(Overriding, name, {
        value: () => 'reached',
        enumerable: false,
        configurable: true,
      })

    expect(findBroadcast(Overriding, name)).toBeUndefined()
  },
)

test('the names that are reserved are those of functions, of consumers and of their instances', () => {
  const classes = [Consumer, WebsocketConsumer, JsonWebsocketConsumer]
  const names = classes.flatMap((base) => Object.getOwnPropertyNames(base))

  expect(reservedNames).toEqual(
    expect.arrayContaining(['call', 'apply', 'bind', 'name', 'length', 'constructor']),
  )
  expect(reservedNames).toEqual(
    expect.arrayContaining(['asApplication', 'broadcastEncoder', 'send', ...names]),
  )
})

test.each(['pattern', 'Model', 'topic', 'accessor', 'secret', 'usesIt', 'usesIt.map'])(
  'no event reaches "%s", which is no static method',
  (type) => {
    expect(findBroadcast(ChatConsumer, type)).toBeUndefined()
  },
)

test('a class that hides an inherited static method behind something else hides it from events', () => {
  class Hiding extends ChatConsumer {}
  Object.defineProperty(Hiding, 'chatMessage', { get: () => ChatConsumer.chatMessage })

  expect(findBroadcast(Hiding, 'chat.message')).toBeUndefined()
})

test('whatever the type, an event reaches the static chatMessage or nothing', async () => {
  const part = fc.oneof(
    fc.constantFrom(
      ...reservedNames,
      ...Object.getOwnPropertyNames(ChatConsumer),
      'chat',
      'message',
      'Message',
    ),
    fc.string(),
  )
  const type = fc.oneof(
    part,
    fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('.')),
  )

  await fc.assert(
    fc.asyncProperty(type, async (candidate) => {
      const broadcast = findBroadcast(ChatConsumer, candidate)
      expect([undefined, '{}']).toContain(await broadcast?.render({ type: candidate }))
    }),
    { numRuns: 2_000 },
  )
})

function everyName(value: object | null): readonly string[] {
  if (value === null) return []
  return [...Object.getOwnPropertyNames(value), ...everyName(Object.getPrototypeOf(value) as object | null)]
}
