import { expect, test } from 'vitest'
import { ActiveEvents } from '../../../shared/gateway/active-events.ts'
import type { ConnectionContext } from '../../../shared/gateway/connection-context.ts'
import { Invocation } from '../../../shared/gateway/invocation.ts'
import type { Answer } from '../../support/scripted-poster.ts'
import { GatewayWorld } from '../../support/gateway-world.ts'
import { RoomConsumer } from '../../support/room-consumer.ts'

const application = RoomConsumer.asApplication()

test.each<[Answer, boolean]>([
  ['ok', true],
  ['gone', true],
  ['forbidden', true],
  ['throttled', false],
])(
  'an outbox of a member whose post was answered with "%s" is forgotten: %s',
  async (answer, isForgotten) => {
    const world = new GatewayWorld({ application })
    await world.open('a=')
    world.poster.answer('a=', answer)
    const endpoint = 'https://abc.execute-api.eu-west-1.amazonaws.com/prod'
    const invocation = new Invocation({ runtime: world.runtime, application, endpoint, context: undefined })
    const member = { connectionId: 'a=', connectedAt: 0 }
    const outbox = invocation.outbox('a=', 0)

    for (const payload of [{ frame: 'hello' }, { event: { type: 'room.say', text: 'hello' } }])
      await invocation.toMember(member, payload)

    expect(invocation.outbox('a=', 0) !== outbox).toBe(isForgotten)
    await invocation.finish()
  },
)

test('nothing is kept of connections whose events are done', () => {
  const active = new ActiveEvents()
  const contextOf = (connectionId: string): ConnectionContext => ({ connectionId }) as ConnectionContext
  const [first, second, other] = [contextOf('a='), contextOf('a='), contextOf('b=')]

  for (const context of [first, second, other]) active.add(context)
  active.delete(first)
  expect([active.has('a='), active.of('a=')]).toEqual([true, [second]])

  active.delete(second)
  active.delete(second)
  expect([active.has('a='), active.of('a='), active.has('b=')]).toEqual([false, [], true])
})
