import { expect, test } from 'vitest'
import { WebsocketConsumer } from '../../shared/consumers/websocket-consumer.ts'
import { InvalidMessageError, InvalidNameError, NoHandlerError } from '../../shared/errors.ts'
import { requireChannelName, requireGroupName } from '../../shared/names.ts'
import { path } from '../../shared/routing/path.ts'
import { UrlRouter } from '../../shared/routing/url-router.ts'
import { originMatcher } from '../../shared/security/origin-pattern.ts'
import { originValidator } from '../../shared/security/origin-validator.ts'
import { WebsocketCommunicator } from '../../shared/testing/websocket-communicator.ts'
import { GatewayWorld } from '../support/gateway-world.ts'
import { RoomConsumer } from '../support/room-consumer.ts'

// Bugs of Django Channels 4 and channels_redis 4 that a port must not bring along.

test.each(['chat\n', '\nchat', 'chat٣', 'ｃhat'])('the name %j passes neither check', (name) => {
  expect(() => requireGroupName(name)).toThrow(InvalidNameError)
  expect(() => requireChannelName(name)).toThrow(InvalidNameError)
})

test.each(['close', 'send', 'accept', 'connect', 'disconnect', 'dispatch'])(
  'a layer event of type "%s" calls no method of the consumer',
  async (type) => {
    class TestConsumer extends WebsocketConsumer {
      override async receive(): Promise<void> {
        await this.channelLayer.send('b=', { type })
      }
    }
    const world = new GatewayWorld({ application: TestConsumer.asApplication() })
    await world.open('a=', 'b=')

    await world.receive('a=', '')

    expect(world.failures).toHaveLength(1)
    expect(world.failures[0]?.error).toBeInstanceOf(NoHandlerError)
    expect(world.failures[0]?.context.channelName).toBe('b=')
  },
)

test('a disconnect cannot be spoofed through the layer', async () => {
  let left = 0
  class TestConsumer extends WebsocketConsumer {
    override async receive(): Promise<void> {
      await expect(this.channelLayer.send('b=', { type: 'websocket.disconnect' })).rejects.toThrow(
        InvalidMessageError,
      )
    }
    override async disconnect(): Promise<void> {
      left += 1
    }
  }
  const world = new GatewayWorld({ application: TestConsumer.asApplication() })
  await world.open('a=', 'b=')

  await world.receive('a=', '')

  expect(world.failures).toEqual([])
  expect(left).toBe(0)
})

test('after an exception disconnect() runs and the groups are left', async () => {
  const left: string[] = []
  class TestConsumer extends RoomConsumer {
    override receive(): never {
      throw new Error('boom')
    }
    override async disconnect(): Promise<void> {
      left.push(this.channelName)
    }
  }
  const world = new GatewayWorld({ application: TestConsumer.asApplication() })
  await world.open('a=')

  await world.receive('a=', '')

  expect(left).toEqual(['a='])
  expect(await world.members('room')).toEqual([])
})

test('a path without a route is 404, not 500', async () => {
  const world = new GatewayWorld({ application: UrlRouter([path('chat/', RoomConsumer.asApplication())]) })

  expect(await world.connect('a=', { query: { path: '/nowhere/' } })).toEqual({ statusCode: 404 })
})

test.each([undefined, 'chat.message', ['chat.message'], { text: 'no type' }, { type: 7 }])(
  'groupSend() of %j is an InvalidMessageError before anything is read',
  async (message) => {
    class TestConsumer extends RoomConsumer {
      override async receive(): Promise<void> {
        await expect(this.channelLayer.groupSend('room', message as never)).rejects.toThrow(
          InvalidMessageError,
        )
      }
    }
    const world = new GatewayWorld({ application: TestConsumer.asApplication() })
    await world.open('a=')
    world.store.takeCalls()

    await world.receive('a=', '')

    expect(world.failures).toEqual([])
    expect(world.store.takeCalls()).toEqual([])
  },
)

test('a member that joins and at once sends to the group reaches itself', async () => {
  class TestConsumer extends WebsocketConsumer {
    override async receive(text: string): Promise<void> {
      await this.channelLayer.groupAdd('room', this.channelName)
      await this.channelLayer.groupSend('room', { type: 'say', text })
    }
    async say({ text }: { readonly text: string }): Promise<void> {
      await this.send(text)
    }
  }
  const world = new GatewayWorld({ application: TestConsumer.asApplication() })
  await world.open('a=')

  await world.receive('a=', 'hello')

  expect(world.frames('a=')).toEqual(['hello'])
})

test('an allowed origin without a scheme may have a port: "localhost:3000" matches', () => {
  const isAllowed = originMatcher(['localhost:3000'])

  expect(isAllowed('http://localhost:3000')).toBe(true)
  expect(isAllowed('http://localhost:3001')).toBe(false)
})

test.each(['http://h:99999', 'http://h:abc', 'http://[::1', 'http://[', '://', 'http://h\n'])(
  'the malformed origin %j is a refusal with 403, not 500',
  async (Origin) => {
    const application = originValidator(RoomConsumer.asApplication(), ['h', 'http://h', '[::1]'])
    const client = new WebsocketCommunicator(application, '/', { headers: { Origin } })

    expect(await client.connect()).toEqual([false, 403])
  },
)
