import { expect, test } from 'vitest'
import { MemoryChannelStore } from '../../shared/backends/memory/index.ts'
import * as channels from '../../shared/index.ts'
import { WebsocketCommunicator } from '../../shared/testing/index.ts'
import { actingWorld } from '../support/acting-consumer.ts'

// 1.21 Misc

const { JsonWebsocketConsumer, path, UrlRouter } = channels

test('`DEFAULT_CHANNEL_LAYER`', async () => {
  const world = actingWorld({
    receive: async ({ channelLayer, connection, channelName }) => {
      await channelLayer.groupAdd('room', channelName)
      await connection.channelLayer('default').groupSendFrame('room', 'hello')
    },
  })
  await world.open('a=')

  await world.receive('a=', '')

  expect(world.frames('a=')).toEqual(['hello'])
  expect(() => actingWorld({}, { layers: { default: { store: new MemoryChannelStore() } } })).toThrow(
    channels.ConfigurationError,
  )
})

test('exceptions', () => {
  const counterparts = {
    AcceptConnection: new channels.AcceptConnection(),
    DenyConnection: new channels.DenyConnection(),
    StopConsumer: new channels.StopConsumer(),
    ChannelFull: new channels.ChannelFullError('full', { channelName: 'a!b', capacity: 1 }),
    MessageTooLarge: new channels.MessageTooLargeError('too large'),
    InvalidChannelLayerError: new channels.ConfigurationError('no layer'),
  }
  const codes = Object.values(counterparts).map((error) =>
    error instanceof channels.ChannelsError ? error.code : error.name,
  )

  for (const error of Object.values(counterparts)) expect(error).toBeInstanceOf(Error)
  expect(codes).toEqual([
    'AcceptConnection',
    'DenyConnection',
    'StopConsumer',
    'CHANNEL_FULL',
    'MESSAGE_TOO_LARGE',
    'CONFIGURATION',
  ])
})

test('type stubs', async () => {
  interface Events {
    readonly 'room.said': { readonly text: string }
  }
  class Room extends JsonWebsocketConsumer<channels.RoutedScope<{ room: string }>, Events> {
    override async receiveJson(): Promise<void> {
      const room: string = this.scope.urlRoute.kwargs.room
      // @ts-expect-error the route captures no such name
      const page: unknown = this.scope.urlRoute.kwargs.page
      await this.channelLayer.groupAdd(room, this.channelName)
      await this.channelLayer.groupSend(room, { type: 'room.said', text: String(page) })
    }
    async roomSaid({ text }: channels.EventOf<Events, 'room.said'>): Promise<void> {
      await this.sendJson({ text })
    }
    async mistaken(): Promise<void> {
      // @ts-expect-error there is no such event
      await this.channelLayer.groupSend('room', { type: 'room.sang', text: 'la' })
    }
  }
  const right = UrlRouter([path('<room>/', Room.asApplication())])
  const wrong = UrlRouter([path('<int:page>/', Room.asApplication())])
  // @ts-expect-error the pattern lacks what the consumer reads of it
  expect(() => new WebsocketCommunicator(wrong, '/1/')).not.toThrow()
  await using client = new WebsocketCommunicator(right, '/lobby/')
  await client.connect()

  await client.sendJsonTo({})

  expect(await client.receiveJsonFrom()).toEqual({ text: 'undefined' })
})
