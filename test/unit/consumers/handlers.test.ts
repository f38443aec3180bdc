import { expect, test } from 'vitest'
import { Consumer } from '../../../shared/consumers/consumer.ts'
import { findHandler, handlerName } from '../../../shared/consumers/handlers.ts'
import { JsonWebsocketConsumer } from '../../../shared/consumers/json-websocket-consumer.ts'
import { WebsocketConsumer } from '../../../shared/consumers/websocket-consumer.ts'
import { InvalidMessageError, NoHandlerError } from '../../../shared/errors.ts'

class BaseConsumer extends WebsocketConsumer {
  async userLeft(): Promise<void> {}
  async chatMessage(): Promise<void> {}
}

class ChatConsumer extends BaseConsumer {
  field = async (): Promise<void> => {}
  override state = {}
  get accessor(): () => void {
    return () => {}
  }
  override async chatMessage(): Promise<void> {}
  override async connect(): Promise<void> {}
  override async receive(): Promise<void> {}
  override async disconnect(): Promise<void> {}
  override async send(): Promise<void> {}
  async chat_message(): Promise<void> {}
}

const consumer = new ChatConsumer()

test.each([
  ['chat.message', 'chatMessage'],
  ['chat.user.left', 'chatUserLeft'],
  ['chat', 'chat'],
  ['chat_message', 'chat_message'],
  ['room.42', 'room42'],
  ['chat.Message', 'chatMessage'],
])('an event of type "%s" runs %s()', (type, name) => {
  expect(handlerName(type)).toBe(name)
})

test.each([
  '',
  '.',
  'chat.',
  '.chat',
  'chat..message',
  'chat-message',
  'chat message',
  '_private',
  'chat._private',
  '__proto__',
  'a\n',
  'ä',
])('the type %j names no method, and the error says what a type looks like', (type) => {
  expect(() => handlerName(type)).toThrow(InvalidMessageError)
  expect(() => handlerName(type)).toThrow(JSON.stringify(type))
  expect(() => handlerName(type)).toThrow('such as "chat.message"')
})

test('the method of the most derived class is found', () => {
  expect(findHandler(consumer, 'chat.message')).toBe(ChatConsumer.prototype.chatMessage)
})

test('a method that an application class inherits from another is found', () => {
  expect(findHandler(consumer, 'user.left')).toBe(BaseConsumer.prototype.userLeft)
})

test('a method with an underscore is found by its very name', () => {
  expect(findHandler(consumer, 'chat_message')).toBe(ChatConsumer.prototype.chat_message)
})

const protocol = [
  'connect',
  'receive',
  'disconnect',
  'send',
  'close',
  'accept',
  'dispatch',
  'sendMessage',
  'updateState',
]
const properties = [
  'state',
  'scope',
  'connection',
  'channelLayer',
  'channelName',
  'groups',
  'field',
  'accessor',
]
const javascript = ['constructor', 'toString', 'valueOf', 'hasOwnProperty', 'isPrototypeOf', 'toLocaleString']
const absent = ['then', 'prototype', 'missing', 'toJSON', 'asApplication']

test.each([...protocol, ...properties, ...javascript, ...absent])('no event reaches "%s"', (type) => {
  expect(() => findHandler(consumer, type)).toThrow(NoHandlerError)
})

test('the error for a framework name says that it belongs to the framework, even where it is overridden', () => {
  expect(() => findHandler(consumer, 'send')).toThrow(
    'ChatConsumer cannot handle an event of type "send": "send" belongs to the framework',
  )
})

test('the error for a missing method says which one was looked for', () => {
  expect(() => findHandler(consumer, 'chat.user.left')).toThrow(
    'ChatConsumer cannot handle an event of type "chat.user.left": it has no method chatUserLeft(): add one, or send another type',
  )
})

test.each([Consumer, WebsocketConsumer, JsonWebsocketConsumer])(
  'no method of %o can be reached or overridden',
  (base) => {
    const names = Object.getOwnPropertyNames(base.prototype).filter((name) => /^[a-z]/i.test(name))
    class Overriding extends JsonWebsocketConsumer {}
    for (const name of names) {
      Object.defineProperty(Overriding.prototype, name, { value: () => {}, configurable: true })
      expect(() => findHandler(new Overriding(), name)).toThrow(NoHandlerError)
    }
    expect(names).not.toEqual([])
  },
)
