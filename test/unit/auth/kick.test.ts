import { expect, test } from 'vitest'
import type { WebsocketScope } from '../../../shared/application.ts'
import { kick, kickable } from '../../../shared/auth/kick.ts'
import { anonymousUser, type AnonymousUser, type User } from '../../../shared/auth/user.ts'
import { WebsocketConsumer } from '../../../shared/consumers/websocket-consumer.ts'
import { ProtocolError } from '../../../shared/errors.ts'
import { defineMiddleware } from '../../../shared/middleware/define-middleware.ts'
import { TestGateway } from '../../../shared/testing/test-gateway.ts'
import { WebsocketCommunicator } from '../../../shared/testing/websocket-communicator.ts'
import { FakeConnection, fakeScope } from '../../support/fake-connection.ts'
import { ignoreFrames } from '../../support/recording-application.ts'

const ENVELOPE = { type: 'websocket.close', code: 4403, reason: '' }

const withUser = defineMiddleware({
  name: 'user',
  connect: ({ query }: WebsocketScope): { readonly user: User | AnonymousUser } => ({
    user: query['user'] === undefined ? anonymousUser : { id: query['user'] },
  }),
})

function setUp() {
  const ended: string[] = []
  class AdminConsumer extends WebsocketConsumer<WebsocketScope & { readonly user: User | AnonymousUser }> {
    override async connect(): Promise<void> {
      const { user, query } = this.scope
      if (query['alone'] !== undefined && user.id !== null) await kick(this.channelLayer, user.id)
      if (query['refuse'] === undefined) await this.accept()
      else await this.close()
    }
    override async receive(text: string): Promise<void> {
      const { delivered } = await kick(this.channelLayer, text)
      await this.send(`ended ${delivered}`)
    }
    override async disconnect(code: number): Promise<void> {
      ended.push(`${String(this.scope.user.id)} ${code}`)
    }
  }
  const application = withUser(kickable(AdminConsumer.asApplication()))
  const gateway = new TestGateway(application)
  const open = async (query: string): Promise<WebsocketCommunicator> => {
    const client = new WebsocketCommunicator(application, `/?${query}`, { gateway })
    await client.connect()
    return client
  }
  return { ended, gateway, open }
}

test('kick ends all connections of the user, in whatever container, and no other', async () => {
  const { ended, gateway, open } = setUp()
  const admin = await open('user=admin')
  const [one, two, other] = [await open('user=ann'), await open('user=ann'), await open('user=anna')]

  await admin.sendTo('ann')

  expect(await admin.receiveFrom()).toBe('ended 2')
  expect(await Promise.all([one.receiveJsonFrom(), two.receiveJsonFrom()])).toEqual([ENVELOPE, ENVELOPE])
  expect([one.isClosed, two.isClosed, other.isClosed, admin.isClosed]).toEqual([true, true, false, false])
  expect(ended).toEqual(['ann 4403', 'ann 4403'])
  expect(await gateway.store.load(one.channelName)).toBeUndefined()
  await admin.sendTo('ann')
  expect(await admin.receiveFrom()).toBe('ended 0')
})

test('any id finds its own connections, whatever characters it has', async () => {
  const { open } = setUp()
  const admin = await open('user=admin')
  const client = await open(`user=${encodeURIComponent('Ann Ü <ann@a.example>')}`)
  const other = await open(`user=${encodeURIComponent('Ann Ü <ann@b.example>')}`)

  await admin.sendTo('Ann Ü <ann@a.example>')

  expect(await admin.receiveFrom()).toBe('ended 1')
  expect([client.isClosed, other.isClosed]).toEqual([true, false])
})

test('who kicks oneself ends too', async () => {
  const { ended, open } = setUp()
  const client = await open('user=ann')

  await client.sendTo('ann')

  expect(client.isClosed).toBe(true)
  expect(ended).toEqual(['ann 4403'])
})

test('a connection that is being opened can end those before it, and stays', async () => {
  const { ended, open } = setUp()
  const first = await open('user=ann&alone=1')
  const second = await open('user=ann&alone=1')

  expect([first.isClosed, second.isClosed]).toEqual([true, false])
  expect(ended).toEqual(['ann 4403'])
})

test('neither nobody nor who was refused joins a group', async () => {
  const { gateway, open } = setUp()
  const nobody = await open('')
  const refused = await open('user=ann&refuse=1')

  expect((await gateway.store.load(nobody.channelName))?.groups).toEqual([])
  expect(await gateway.store.load(refused.channelName)).toBeUndefined()
  expect((await gateway.store.members('connections-of_ann')).members).toEqual([])
})

test('a handshake that is refused does not even try to join', async () => {
  // Without a layer: asking for one would throw.
  const scope = { ...fakeScope({ connection: new FakeConnection() }), user: { id: 'ann' } }
  const refuse = kickable(async (_scope: typeof scope, _message, send) => send({ type: 'websocket.close' }))
  const accept = kickable(async (_scope: typeof scope, _message, send) => send({ type: 'websocket.accept' }))

  await expect(refuse(scope, { type: 'websocket.connect' }, ignoreFrames)).resolves.toBeUndefined()
  await expect(accept(scope, { type: 'websocket.connect' }, ignoreFrames)).rejects.toThrow(/no channel layer/)
})

test('a code that belongs to the protocol is refused', async () => {
  const { open } = setUp()
  const layers: unknown[] = []
  class Consumer extends WebsocketConsumer {
    override async receive(): Promise<void> {
      layers.push(await kick(this.channelLayer, 'ann', 1011).catch((error: unknown) => error))
    }
  }
  await open('user=ann')
  await using client = new WebsocketCommunicator(Consumer.asApplication(), '/')
  await client.connect()
  await client.sendTo('x')

  expect(layers[0]).toBeInstanceOf(ProtocolError)
  expect(String(layers[0])).toMatch(/a group cannot be closed with code 1011: use 1000, or one of your own/)
})
