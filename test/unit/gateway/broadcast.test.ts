import { beforeEach, expect, test } from 'vitest'
import type { Application, WebsocketScope } from '../../../shared/application.ts'
import type { GroupSendResult } from '../../../shared/channel-layer.ts'
import { JsonWebsocketConsumer } from '../../../shared/consumers/json-websocket-consumer.ts'
import { WebsocketConsumer } from '../../../shared/consumers/websocket-consumer.ts'
import { InvalidNameError, MessageTooLargeError } from '../../../shared/errors.ts'
import { MAX_MESSAGE_BYTES } from '../../../shared/limits.ts'
import { defineMiddleware, wrapApplication } from '../../../shared/middleware/define-middleware.ts'
import { path } from '../../../shared/routing/path.ts'
import { ProtocolTypeRouter } from '../../../shared/routing/protocol-type-router.ts'
import { UrlRouter } from '../../../shared/routing/url-router.ts'
import type { DeliveryTask } from '../../../shared/stores/delivery-queue.ts'
import { GatewayWorld } from '../../support/gateway-world.ts'

interface Say {
  readonly type: string
  readonly text: string
}

/** Tells the room what its client sends. */
class SendingConsumer extends WebsocketConsumer {
  override readonly groups: readonly string[] = ['room']
  static results: GroupSendResult[] = []
  static errors: unknown[] = []

  override async receive(text: string): Promise<void> {
    try {
      SendingConsumer.results.push(
        await this.channelLayer.groupSend('room', { type: 'room.say', text }, { exclude: ['excluded='] }),
      )
    } catch (error) {
      SendingConsumer.errors.push(error)
    }
  }
}

let rendered: string[] = []

class BroadcastConsumer extends SendingConsumer {
  // A state, so that running a consumer would need the record.
  override state = { count: 0 }

  static roomSay({ text }: Say): string | undefined {
    rendered.push(text)
    if (text === 'fail') throw new Error('the handler fails')
    if (text === 'too large') return 'é'.repeat(MAX_MESSAGE_BYTES / 2 + 1)
    return text === 'nothing' ? undefined : `all: ${text}`
  }
}

class OrdinaryConsumer extends SendingConsumer {
  async roomSay({ text }: Say): Promise<void> {
    await this.send(`own: ${text}`)
  }
}

class OtherBroadcast extends SendingConsumer {
  static roomSay({ text }: Say): string {
    rendered.push(text)
    return `other: ${text}`
  }
}

const broadcasting = BroadcastConsumer.asApplication()

beforeEach(() => {
  rendered = []
  SendingConsumer.results = []
  SendingConsumer.errors = []
})

/** Members of a room in a cold container. Each path is served by the application in that place. */
async function room(
  application: Application<WebsocketScope>,
  paths: readonly string[] = ['/', '/', '/'],
): Promise<GatewayWorld> {
  const world = new GatewayWorld({ application, pageSize: 2 })
  for (const [index, at] of paths.entries()) await world.connect(`m${index}=`, { query: { path: at } })
  await world.deliverAll()
  await world.clock.advance(31_000)
  world.coldStart()
  world.store.takeCalls()
  return world
}

const groupTask = (task: Omit<DeliveryTask & { kind: 'group' }, 'kind' | 'group' | 'exclude'>): string =>
  JSON.stringify({
    task: { kind: 'group', group: 'room', exclude: [], ...task },
    endpoint: 'https://a.execute-api.eu-west-1.amazonaws.com/test',
    attempt: 1,
  })

test('a broadcast handler runs once for the whole group, and each member gets its frame', async () => {
  const world = await room(broadcasting)

  await world.receive('m0=', 'hello')

  expect(rendered).toEqual(['hello'])
  for (const id of ['m0=', 'm1=', 'm2=']) expect(world.frames(id)).toEqual(['all: hello'])
  expect(SendingConsumer.results).toEqual([{ delivered: 3, deferred: 0, gone: 0, failed: 0 }])
})

test('a broadcast in a cold container reads the members and no record but the sender’s', async () => {
  const world = await room(broadcasting)

  await world.receive('m0=', 'hello')

  expect(world.store.takeCalls()).toEqual(['load', 'members', 'members'])
})

test('members that are excluded get no broadcast', async () => {
  const world = await room(broadcasting)
  await world.open('excluded=')

  await world.receive('m0=', 'hello')

  expect(world.frames('excluded=')).toEqual([])
  expect(world.frames('m1=')).toEqual(['all: hello'])
})

test('where a broadcast handler returns nothing, nothing is sent and no member is read', async () => {
  const world = await room(broadcasting)

  await world.receive('m0=', 'nothing')

  expect(SendingConsumer.results).toEqual([{ delivered: 0, deferred: 0, gone: 0, failed: 0 }])
  expect(world.store.takeCalls()).toEqual(['load'])
})

test('what a broadcast handler throws, groupSend rejects with: no member is at fault, and nobody is closed', async () => {
  const world = await room(broadcasting)

  await world.receive('m0=', 'fail')

  expect(SendingConsumer.errors).toEqual([new Error('the handler fails')])
  expect(rendered).toEqual(['fail'])
  expect([...world.poster.closed]).toEqual([])
  expect(await world.members('room')).toEqual(['m0=', 'm1=', 'm2='])
})

test('a frame that is too large in bytes is refused before anything is sent', async () => {
  const world = await room(broadcasting)

  await world.receive('m0=', 'too large')

  expect(SendingConsumer.errors).toEqual([expect.any(MessageTooLargeError)])
  expect(world.poster.calls).toEqual([])
})

test('names are checked before a broadcast handler runs', async () => {
  class Misspelling extends BroadcastConsumer {
    override async receive(text: string): Promise<void> {
      await this.channelLayer.groupSend('room', { type: 'room.say', text }, { exclude: ['a b'] })
    }
  }
  const world = await room(Misspelling.asApplication())

  await world.receive('m0=', 'hello')

  expect(world.failures.map(({ error }) => error)).toEqual([expect.any(InvalidNameError)])
  expect(rendered).toEqual([])
})

test('a member that is sent the event alone gets the same frame', async () => {
  class Whispering extends BroadcastConsumer {
    override async receive(text: string): Promise<void> {
      await this.channelLayer.send('m1=', { type: 'room.say', text })
    }
  }
  const world = await room(Whispering.asApplication())

  await world.receive('m0=', 'hello')

  expect(world.frames('m1=')).toEqual(['all: hello'])
  expect(world.frames('m2=')).toEqual([])
})

test('an event that waited for one connection is rendered when it is delivered', async () => {
  const world = await room(broadcasting)
  const task = {
    kind: 'event',
    connectionId: 'm1=',
    connectedAt: 0,
    event: { type: 'room.say', text: 'late' },
  }

  await world.deliverBodies(JSON.stringify({ task, endpoint: 'https://a', attempt: 1 }))

  expect(world.frames('m1=')).toEqual(['all: late'])
})

test('frames that connect() broadcasts to its own group are held until the socket is open, others get them at once', async () => {
  class Greeting extends BroadcastConsumer {
    override async connect(): Promise<void> {
      await this.accept()
      await this.channelLayer.groupSend('room', { type: 'room.say', text: this.channelName })
      await this.send('welcome')
    }
  }
  const world = new GatewayWorld({ application: Greeting.asApplication() })
  await world.open('a=')

  expect(await world.connect('b=')).toEqual({ statusCode: 200 })
  expect([world.frames('a='), world.frames('b=')]).toEqual([['all: a=', 'welcome', 'all: b='], []])
  await world.deliverAll()

  expect(world.frames('b=')).toEqual(['all: b=', 'welcome'])
  expect(rendered).toEqual(['a=', 'b='])
})

test('what is left of a broadcast when the time runs out is delivered by the queue without another rendering', async () => {
  const world = await room(
    broadcasting,
    Array.from({ length: 9 }, () => '/'),
  )
  let asked = 0
  const context = { getRemainingTimeInMillis: () => (asked++ <= 5 ? 60_000 : 0) }

  await world.receive('m0=', 'hello', { context })
  expect(world.queue.size).toBe(1)
  await world.deliverAll()

  expect(rendered).toEqual(['hello'])
  for (let index = 0; index < 9; index++) expect(world.frames(`m${index}=`)).toEqual(['all: hello'])
})

test('a group task with an event is rendered once by the delivery function', async () => {
  const world = await room(broadcasting)

  const result = await world.deliverBodies(groupTask({ event: { type: 'room.say', text: 'late' } }))

  expect(result).toEqual({ batchItemFailures: [] })
  expect(rendered).toEqual(['late'])
  for (const id of ['m0=', 'm1=', 'm2=']) expect(world.frames(id)).toEqual(['all: late'])
  expect(world.store.takeCalls()).toEqual(['members', 'members'])
})

test('a group task whose broadcast handler throws is a failed message, for the dead letters in the end', async () => {
  const world = await room(broadcasting)

  const result = await world.deliverBodies(groupTask({ event: { type: 'room.say', text: 'fail' } }))

  expect(result).toEqual({ batchItemFailures: [{ itemIdentifier: 'm0' }] })
  expect(world.count('queuedDeliveryFailed')).toBe(1)
  expect(await world.members('room')).toEqual(['m0=', 'm1=', 'm2='])
})

const noted = defineMiddleware({ name: 'noted', connect: (_scope: WebsocketScope) => ({ noted: 'yes' }) })
const seconded = defineMiddleware({ name: 'seconded', connect: (_scope: WebsocketScope) => ({ second: 2 }) })

test.each<[string, Application<WebsocketScope>]>([
  ['ProtocolTypeRouter', ProtocolTypeRouter({ websocket: broadcasting })],
  ['UrlRouter', UrlRouter([path('', broadcasting)])],
  ['nested UrlRouters', UrlRouter([path('', UrlRouter([path('', broadcasting)]))])],
  ['middleware', noted(broadcasting)],
  ['all of them', ProtocolTypeRouter({ websocket: noted(UrlRouter([path('', seconded(broadcasting))])) })],
  ['a wrapper that says so', wrapApplication(broadcasting, async (...event) => broadcasting(...event))],
])('a broadcast is known through %s', async (_, application) => {
  const world = await room(application)

  await world.receive('m0=', 'hello')

  expect(rendered).toEqual(['hello'])
  expect(world.frames('m2=')).toEqual(['all: hello'])
})

test('behind a plain function a broadcast handler is run for each member, and each gets its frame', async () => {
  const hidden: Application<WebsocketScope> = async (...event) => broadcasting(...event)
  const world = await room(UrlRouter([path('', hidden), path('other/', broadcasting)]))

  await world.receive('m0=', 'hello')

  expect(rendered).toEqual(['hello', 'hello', 'hello'])
  for (const id of ['m0=', 'm1=', 'm2=']) expect(world.frames(id)).toEqual(['all: hello'])
})

test('where one consumer broadcasts a type and another handles it, each member is served by its own', async () => {
  const application = UrlRouter([path('', broadcasting), path('own/', OrdinaryConsumer.asApplication())])
  const world = await room(application, ['/', '/own/', '/', '/own/'])

  await world.receive('m0=', 'hello')

  expect(['m0=', 'm1=', 'm2=', 'm3='].map((id) => world.frames(id))).toEqual([
    ['all: hello'],
    ['own: hello'],
    ['all: hello'],
    ['own: hello'],
  ])
})

test('where two consumers have different broadcast handlers, each member gets the frame of its own', async () => {
  const application = UrlRouter([path('', broadcasting), path('other/', OtherBroadcast.asApplication())])
  const world = await room(application, ['/', '/other/'])

  await world.receive('m0=', 'hello')

  expect([world.frames('m0='), world.frames('m1=')]).toEqual([['all: hello'], ['other: hello']])
})

test('consumers that inherit one broadcast handler, and some that know nothing of the type, share one rendering', async () => {
  class Heir extends BroadcastConsumer {}
  class Silent extends SendingConsumer {}
  const application = UrlRouter([
    path('', broadcasting),
    path('heir/', Heir.asApplication()),
    path('silent/', Silent.asApplication()),
  ])
  const world = await room(application, ['/', '/heir/', '/silent/'])

  await world.receive('m0=', 'hello')

  expect(rendered).toEqual(['hello'])
  for (const id of ['m0=', 'm1=', 'm2=']) expect(world.frames(id)).toEqual(['all: hello'])
})

test('consumers that encode differently do not share a rendering', async () => {
  class Plain extends JsonWebsocketConsumer {
    override readonly groups = ['room']
    static roomSay({ text }: Say): object {
      return { text }
    }
    override async receiveJson(content: unknown): Promise<void> {
      await this.channelLayer.groupSend('room', { type: 'room.say', text: String(content) })
    }
  }
  class Pretty extends Plain {
    override encodeJson(content: unknown): string {
      return JSON.stringify(content, null, 1)
    }
  }
  const application = UrlRouter([path('', Plain.asApplication()), path('pretty/', Pretty.asApplication())])
  const world = await room(application, ['/', '/pretty/'])

  await world.receive('m0=', '"hello"')

  expect([world.frames('m0='), world.frames('m1=')]).toEqual([
    ['{"text":"hello"}'],
    ['{\n "text": "hello"\n}'],
  ])
})

test('a member that newChannel() made gets the event itself, which its receiver handles as it likes', async () => {
  class Listening extends BroadcastConsumer {
    static channel = ''
    override async receive(text: string): Promise<void> {
      Listening.channel = await this.channelLayer.newChannel()
      await this.channelLayer.groupAdd('room', Listening.channel)
      await super.receive(text)
    }
  }
  const world = await room(Listening.asApplication())

  await world.receive('m0=', 'hello')

  expect(world.frames('m2=')).toEqual(['all: hello'])
  expect(rendered).toEqual(['hello'])
  const received = await world.store.messages?.take(Listening.channel)
  expect(received).toMatchObject({ type: 'room.say', text: 'hello' })
})
