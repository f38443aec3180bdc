import fc from 'fast-check'
import { expect, test } from 'vitest'
import { findHandler } from '../../shared/consumers/handlers.ts'
import { JsonWebsocketConsumer } from '../../shared/consumers/json-websocket-consumer.ts'
import { InvalidMessageError, NoHandlerError } from '../../shared/errors.ts'

class ChatConsumer extends JsonWebsocketConsumer {
  secret = (): string => 'a field is no handler'

  override async connect(): Promise<void> {}

  async chatMessage(): Promise<void> {}

  get admin(): () => string {
    return () => 'an accessor is no handler'
  }
}

const frameworkNames = ownNames(JsonWebsocketConsumer.prototype)

test('an event reaches the method that the application defined', () => {
  const consumer = new ChatConsumer()

  expect(findHandler(consumer, 'chat.message')).toBe(consumer.chatMessage)
})

test.each(frameworkNames)('no event reaches %s, which the framework or JavaScript defines', (name) => {
  expect(() => findHandler(new ChatConsumer(), name)).toThrow(/cannot handle an event|names no method/)
})

test('no event reaches a framework method that the application overrides', () => {
  expect(() => findHandler(new ChatConsumer(), 'connect')).toThrow(NoHandlerError)
})

test.each(['secret', 'admin'])('no event reaches the field or accessor "%s"', (name) => {
  expect(() => findHandler(new ChatConsumer(), name)).toThrow(NoHandlerError)
})

test('whatever the type, an event reaches chatMessage or nothing', () => {
  const part = fc.oneof(
    fc.constantFrom(...frameworkNames, 'chat', 'message', 'Message', 'prototype'),
    fc.string(),
  )
  const type = fc.oneof(
    part,
    fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('.')),
  )
  const consumer = new ChatConsumer()

  fc.assert(
    fc.property(type, (candidate) => {
      const found = tryFind(consumer, candidate)
      expect([undefined, consumer.chatMessage]).toContain(found)
    }),
    { numRuns: 2_000 },
  )
})

function tryFind(consumer: object, type: string): unknown {
  try {
    return findHandler(consumer, type)
  } catch (error) {
    if (error instanceof NoHandlerError || error instanceof InvalidMessageError) return undefined
    throw error
  }
}

/** Every name that `prototype` has, its own and inherited. */
function ownNames(prototype: object): readonly string[] {
  const above: unknown = Object.getPrototypeOf(prototype)
  const inherited = typeof above === 'object' && above !== null ? ownNames(above) : []
  return [...new Set([...Object.getOwnPropertyNames(prototype), ...inherited])]
}
