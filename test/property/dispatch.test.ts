import fc from 'fast-check'
import { expect, test } from 'vitest'
import { WebsocketConsumer } from '../../shared/consumers/websocket-consumer.ts'
import { GatewayWorld } from '../support/gateway-world.ts'

const called: string[] = []

class GuardedConsumer extends WebsocketConsumer {
  override readonly groups = ['room']
  readonly field = (): void => void called.push('field')
  get accessor(): () => void {
    return () => void called.push('accessor')
  }
  async chatMessage(): Promise<void> {
    called.push('chatMessage')
  }
  override async receive(text: string): Promise<void> {
    called.push('receive')
    const { type } = JSON.parse(text) as { type: string }
    await this.channelLayer.groupSend('room', { type }, { exclude: [this.channelName] })
  }
  override async disconnect(): Promise<void> {
    called.push('disconnect')
  }
}

function everyName(value: object | null): readonly string[] {
  if (value === null) return []
  return [...Object.getOwnPropertyNames(value), ...everyName(Object.getPrototypeOf(value) as object | null)]
}

const reachable = everyName(new GuardedConsumer())
const word = fc.oneof(
  fc.constantFrom(...reachable, 'chat', 'message', 'websocket', '__proto__'),
  fc.string({ maxLength: 6 }),
)
const type = fc.array(word, { minLength: 1, maxLength: 3 }).map((words) => words.join('.'))

test('whatever type a client makes its consumer send, chatMessage() runs in the member, or nothing that it may not', async () => {
  await fc.assert(
    fc.asyncProperty(type, async (name) => {
      const world = new GatewayWorld({ application: GuardedConsumer.asApplication() })
      await world.open('sender=', 'member=')
      called.length = 0

      expect(await world.receive('sender=', JSON.stringify({ type: name }))).toEqual({ statusCode: 200 })

      expect(called[0]).toBe('receive')
      expect([[], ['chatMessage'], ['disconnect']]).toContainEqual(called.slice(1))
      // `disconnect` runs where a member cannot handle the type, or the sender may not send it; never both.
      const survivors = await world.members('room')
      expect(survivors.length).toBe(called.includes('disconnect') ? 1 : 2)
    }),
    { numRuns: 300 },
  )
})
