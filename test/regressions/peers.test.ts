import { expect, test } from 'vitest'
import { WebsocketConsumer } from '../../shared/consumers/websocket-consumer.ts'
import { GatewayWorld } from '../support/gateway-world.ts'
import { RoomConsumer } from '../support/room-consumer.ts'
import { ScriptedPoster } from '../support/scripted-poster.ts'

// Defects of other WebSocket libraries for API Gateway, each of which this library must not have.

const application = RoomConsumer.asApplication()

test('a 410 removes the stale peer, not the sender that found it', async () => {
  const world = new GatewayWorld({ application })
  await world.open('sender=', 'stale=')
  world.vanish('stale=')

  await world.receive('sender=', 'hello')

  expect(await world.store.load('sender=')).toBeDefined()
  expect(await world.store.load('stale=')).toBeUndefined()
})

test('the removal of a stale peer is done when the invocation ends: nothing is left to a frozen container', async () => {
  const world = new GatewayWorld({ application })
  await world.open('sender=', 'stale=')
  world.vanish('stale=')

  await world.receive('sender=', 'hello')

  // No turn of the event loop in between.
  expect(await world.members('room')).toEqual(['sender='])
})

test('expiry is in seconds, not in milliseconds', async () => {
  const world = new GatewayWorld({ application })
  await world.connect('a=')

  const record = await world.store.load('a=')
  const seconds = Math.floor(world.clock.now() / 1_000)
  expect(record?.expiresAt).toBeGreaterThan(seconds)
  expect(record?.expiresAt).toBeLessThanOrEqual(seconds + 2 * 3_600 + 600)
})

test('a group that fills more than one page is read to its end', async () => {
  const world = new GatewayWorld({ application, pageSize: 50 })
  const ids = Array.from({ length: 101 }, (_, index) => `m${index}=`)
  await world.open(...ids)

  await world.receive('m0=', 'hello')

  expect(ids.filter((id) => world.frames(id).length !== 1)).toEqual([])
})

test('a page whose members have all expired is not the end of the group', async () => {
  const world = new GatewayWorld({ application, pageSize: 2 })
  for (let index = 0; index < 20; index++) await world.connect(`old${index}=`)
  await world.clock.advance(2 * 3_600_000)
  const ids = Array.from({ length: 9 }, (_, index) => `new${index}=`)
  for (const id of ids) await world.connect(id)
  await world.clock.advance(11 * 60_000)

  await world.receive('new0=', 'hello')

  expect(ids.filter((id) => world.frames(id).length !== 1)).toEqual([])
})

test('throttling is not a dead connection', async () => {
  const world = new GatewayWorld({ application })
  await world.open('a=', 'slow=')
  world.poster.answer('slow=', 'throttled')

  await world.receive('a=', 'hello')

  expect(await world.members('room')).toEqual(['a=', 'slow='])
})

test('one failing recipient neither stops the others nor makes them receive twice', async () => {
  const world = new GatewayWorld({ application })
  const ids = ['a=', 'b=', 'c=', 'd=', 'e=']
  await world.open(...ids)
  world.poster.answer('b=', 'forbidden')
  world.poster.answerNext('c=', 'unavailable')
  world.vanish('d=')

  await world.receive('a=', 'hello')
  await world.deliverAll()

  expect(ids.map((id) => world.frames(id).length)).toEqual([1, 0, 1, 0, 1])
})

test('a client cannot choose which method of its consumer runs', async () => {
  const called: string[] = []
  class TestConsumer extends WebsocketConsumer {
    async adminDelete(): Promise<void> {
      called.push('adminDelete')
    }
    override async receive(): Promise<void> {
      called.push('receive')
    }
  }
  const world = new GatewayWorld({ application: TestConsumer.asApplication() })
  await world.open('a=')

  for (const type of ['admin.delete', 'adminDelete', 'constructor', 'disconnect', 'websocket.disconnect']) {
    await world.receive('a=', JSON.stringify({ type, action: type, handler: type }))
  }

  expect(called).toEqual(Array.from({ length: 5 }, () => 'receive'))
})

test('a second tab of one user is a second connection, and both are told', async () => {
  const world = new GatewayWorld({ application })
  const ann = { authorizer: { principalId: 'ann' } }
  await world.connect('tab1=', { requestContext: ann })
  await world.connect('tab2=', { requestContext: ann })

  await world.receive('tab1=', 'hello')
  await world.disconnect('tab1=')
  await world.receive('tab2=', 'again')

  expect(world.frames('tab1=')).toEqual(['hello'])
  expect(world.frames('tab2=')).toEqual(['hello', 'again'])
})

test.each([['before any $connect'], ['twice']])(
  'a $disconnect that arrives %s is no failure',
  async (how) => {
    const world = new GatewayWorld({ application })
    if (how === 'twice') {
      await world.open('a=')
      await world.disconnect('a=')
    }

    expect(await world.disconnect('a=')).toEqual({ statusCode: 200 })
    expect(world.failures).toEqual([])
    expect(world.logged('error')).toEqual([])
  },
)

test('the endpoint of the first event is not used for another API, stage or region', async () => {
  const posters = new Map<string, ScriptedPoster>()
  const world = new GatewayWorld({
    application,
    runtime: {
      createPoster: (endpoint) => {
        const poster = new ScriptedPoster()
        posters.set(endpoint, poster)
        return poster
      },
    },
  })
  const places = ['x.execute-api.eu-west-1', 'x.execute-api.us-east-1', 'y.execute-api.eu-west-1'].flatMap(
    (host) => ['dev', 'prod'].map((stage) => ({ stage, domainName: `${host}.amazonaws.com` })),
  )

  for (const requestContext of places)
    await world.connect(`${requestContext.stage}-${requestContext.domainName}`, { requestContext })

  expect([...posters.keys()]).toEqual(places.map(({ stage, domainName }) => `https://${domainName}/${stage}`))
})

test('an event makes no call but those that it needs: no table is described, no connection looked up', async () => {
  const world = new GatewayWorld({ application })
  await world.open('a=')
  world.store.takeCalls()
  world.poster.calls.length = 0

  await world.receive('a=', 'hello')

  expect(world.store.takeCalls()).toEqual(['members'])
  expect(world.poster.calls).toEqual([{ kind: 'post', connectionId: 'a=', text: 'hello' }])
})
