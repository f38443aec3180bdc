import { expect, test } from 'vitest'
import { WebsocketConsumer } from '../../../shared/consumers/websocket-consumer.ts'
import { GatewayWorld } from '../../support/gateway-world.ts'

/** The classic mistake: set in one event, read in another. */
class TutorialConsumer extends WebsocketConsumer {
  roomGroupName = ''
  nickname: string | undefined
  override async connect(): Promise<void> {
    this.roomGroupName = 'chat_lobby'
    await this.accept()
  }
  override async receive(text: string): Promise<void> {
    if (text === 'set') this.nickname = 'ann'
    if (text === 'read') await this.send(`${this.roomGroupName}${this.nickname ?? ''}`)
  }
}

function warnings(world: GatewayWorld): readonly string[] {
  return world.logged('warn').map(({ message }) => message)
}

test('a field that connect() sets and a later event reads is reported, in another container too', async () => {
  const world = new GatewayWorld({ application: TutorialConsumer.asApplication() })
  await world.connect('a=')
  world.coldStart()

  await world.receive('a=', 'read')

  expect(warnings(world)).toEqual([
    expect.stringContaining('TutorialConsumer.roomGroupName was set in an earlier event'),
  ])
  expect(world.logged('warn')[0]?.details).toEqual({ consumer: 'TutorialConsumer', field: 'roomGroupName' })
  expect(world.count('lostField')).toBe(1)
})

test('a field that one message sets and another reads is reported in the same container', async () => {
  const world = new GatewayWorld({ application: TutorialConsumer.asApplication() })
  await world.connect('a=')
  await world.receive('a=', 'set')

  await world.receive('a=', 'read')

  expect(warnings(world)).toEqual(
    expect.arrayContaining([
      expect.stringContaining('TutorialConsumer.roomGroupName'),
      expect.stringContaining('TutorialConsumer.nickname'),
    ]),
  )
})

test('each field is reported once an event', async () => {
  class Repeating extends TutorialConsumer {
    override async receive(): Promise<void> {
      for (let times = 0; times < 3; times++) await this.send(this.roomGroupName)
    }
  }
  const world = new GatewayWorld({ application: Repeating.asApplication() })
  await world.connect('a=')

  await world.receive('a=', '')

  expect(warnings(world)).toHaveLength(1)
})

test('nothing is reported, stored or watched in production', async () => {
  const world = new GatewayWorld({
    application: TutorialConsumer.asApplication(),
    runtime: { isDevelopment: false },
  })
  await world.connect('a=')
  await world.receive('a=', 'set')

  await world.receive('a=', 'read')

  expect(warnings(world)).toEqual([])
  expect(JSON.stringify(await world.store.load('a='))).not.toContain('roomGroupName')
})

test('fields that are only used within one event are not reported', async () => {
  class Careful extends WebsocketConsumer {
    buffer: string[] = []
    user: string | undefined
    override async connect(): Promise<void> {
      this.user = 'connecting'
      await this.accept()
    }
    override async receive(text: string): Promise<void> {
      this.buffer = [text]
      this.user = 'ann'
      await this.send(`${this.user}${this.buffer.join()}`)
    }
  }
  const world = new GatewayWorld({ application: Careful.asApplication() })
  await world.connect('a=')
  for (const text of ['1', '2', '3']) await world.receive('a=', text)

  expect(warnings(world)).toEqual([])
})

test('constants, getters, state and the framework’s own fields are not reported', async () => {
  class Constant extends WebsocketConsumer {
    override readonly groups = ['room']
    override state = { count: 0 }
    readonly prefix = '> '
    get label(): string {
      return `${this.prefix}${this.channelName}`
    }
    override async receive(): Promise<void> {
      this.state.count += 1
      await this.send(`${this.label}${this.state.count}${this.scope.path}`)
    }
  }
  const world = new GatewayWorld({ application: Constant.asApplication() })
  await world.connect('a=')
  await world.receive('a=', '')
  await world.receive('a=', '')

  expect(warnings(world)).toEqual([])
})
