import { expect, test } from 'vitest'
import { WebsocketConsumer } from '../../../shared/consumers/websocket-consumer.ts'
import { MessageTooLargeError } from '../../../shared/errors.ts'
import { GatewayWorld } from '../../support/gateway-world.ts'

function framesOf(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => String.fromCharCode(97 + index).repeat(120_000))
}

function worldSending(inConnect: number, inReceive = 0): GatewayWorld {
  class TestConsumer extends WebsocketConsumer {
    override readonly groups = ['room']
    override async connect(): Promise<void> {
      await this.accept()
      for (const frame of framesOf(inConnect)) await this.send(frame)
    }
    override async receive(): Promise<void> {
      for (const frame of framesOf(inReceive)) await this.send(frame)
      await this.close()
    }
  }
  return new GatewayWorld({ application: TestConsumer.asApplication() })
}

test('a snapshot of 840 KB that connect() sends is one queue message, and arrives in order', async () => {
  const world = worldSending(7)

  expect(await world.connect('a=')).toEqual({ statusCode: 200 })
  expect(world.queue.size).toBe(1)

  world.poster.answerNext('a=', 'ok', 'throttled')
  await world.deliverAll()
  expect(world.frames('a=')).toEqual(framesOf(7))
})

test('a snapshot that the queue cannot keep in order fails the handshake where it is sent, and leaves nothing behind', async () => {
  const world = worldSending(8)

  expect(await world.connect('a=')).toEqual({ statusCode: 500 })

  expect(world.failures.map(({ error }) => error)).toEqual([expect.any(MessageTooLargeError)])
  expect(String(world.failures[0]?.error)).toContain('Send a large snapshot after connect()')
  expect(await world.store.load('a=')).toBeUndefined()
  expect(await world.members('room')).toEqual([])
  expect(world.queue.size).toBe(0)
})

test('frames and a close that have to wait twice arrive whole and in order', async () => {
  const world = worldSending(0, 3)
  await world.open('a=')
  world.poster.answerNext('a=', 'throttled', 'throttled')

  await world.receive('a=', '')
  expect(world.queue.size).toBe(1)
  await world.deliverAll()

  expect(world.frames('a=')).toEqual(framesOf(3))
  expect(world.poster.closed).toContain('a=')
})

test('frames that have no room to wait fail at the end of the line, logged and counted, and no gap is left', async () => {
  const world = worldSending(0, 10)
  await world.open('a=')
  world.poster.answerNext('a=', 'throttled')

  await world.receive('a=', '')
  await world.deliverAll()

  expect(world.frames('a=')).toEqual(framesOf(7))
  expect(world.count('frameFailed')).toBe(3)
  expect(world.logged('error')).toHaveLength(3)
  expect(world.poster.closed).toContain('a=')
})
