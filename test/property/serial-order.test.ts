import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Faults } from '../../local/faults.ts'
import { inProcessFunction } from '../../local/in-process-function.ts'
import { Invoker } from '../../local/invoker.ts'
import { LocalQueue } from '../../local/local-queue.ts'
import { defaultPolicies } from '../../local/policies.ts'
import { systemClock } from '../../shared/clock.ts'
import { FakeLogger } from '../support/fake-connection.ts'
import { RoomConsumer } from '../support/room-consumer.ts'
import { frameRecord, type SerialRecord, SerialWorld } from '../support/serial-world.ts'

const CONNECTIONS = ['a=', 'b=', 'c=']

/** What one invocation does: serves so many of its messages and dies, or all of them. */
const fate = fc.option(fc.nat({ max: 9 }), { nil: undefined, freq: 3 })

const plan = fc.record({
  /** Whose frame comes next. */
  senders: fc.array(fc.constantFrom(...CONNECTIONS), { minLength: 1, maxLength: 40 }),
  /** How many turns of the event loop a handler takes. */
  turns: fc.array(fc.nat({ max: 3 }), { minLength: 1, maxLength: 7 }),
  fates: fc.array(fate, { maxLength: 6 }),
})

interface Served {
  readonly connection: string
  readonly number: number
}

/** A world whose consumer notes which frame of which connection it has handled, and which overlapped another. */
function observedWorld(turns: readonly number[]): {
  readonly world: SerialWorld
  readonly served: Served[]
  readonly overlaps: string[]
} {
  const served: Served[] = []
  const overlaps: string[] = []
  const busy = new Set<string>()
  class ObservedConsumer extends RoomConsumer {
    override async receive(text: string): Promise<void> {
      const connection = this.channelName
      if (busy.has(connection)) overlaps.push(`${connection} ${text}`)
      busy.add(connection)
      for (let turn = 0; turn < (turns[served.length % turns.length] ?? 0); turn += 1)
        await new Promise((resolve) => setImmediate(resolve))
      served.push({ connection, number: Number(text) })
      busy.delete(connection)
    }
  }
  return { world: new SerialWorld(ObservedConsumer.asApplication()), served, overlaps }
}

test('whatever dies, the frames of a connection are handled in their order, none is left out, and none overlaps another', async () => {
  await fc.assert(
    fc.asyncProperty(plan, async ({ senders, turns, fates }) => {
      const { world, served, overlaps } = observedWorld(turns)
      await world.open(...CONNECTIONS)
      const left = [...fates]
      const target = inProcessFunction(async ({ Records }: { readonly Records: readonly SerialRecord[] }) => {
        const survives = left.shift()
        const result = await world.serve(Records.slice(0, survives ?? Records.length))
        if (survives !== undefined) throw new RangeError('out of memory')
        return result
      })
      const policies = { ...defaultPolicies, visibilityTimeoutMs: 0, maxReceiveCount: 1_000 }
      const invoker = new Invoker(systemClock, policies.integrationTimeoutMs)
      const queue = new LocalQueue({
        name: 'serial.fifo',
        target,
        invoker,
        policies,
        faults: new Faults(),
        clock: systemClock,
        logger: new FakeLogger(),
      })
      const sent = new Map<string, number>()
      for (const [index, connection] of senders.entries()) {
        const number = (sent.get(connection) ?? 0) + 1
        sent.set(connection, number)
        const { body } = frameRecord(`m${index}`, connection, String(number))
        queue.send({ body, groupId: connection })
        if (index % 5 === 0) await new Promise((resolve) => setImmediate(resolve))
      }
      await queue.drained()
      invoker.close()

      expect(overlaps).toEqual([])
      for (const [connection, last] of sent) {
        const numbers = served.filter((each) => each.connection === connection).map(({ number }) => number)
        // A frame may come twice, but none before the one in front of it was handled.
        expect([connection, firstsOf(numbers)]).toEqual([
          connection,
          Array.from({ length: last }, (_, at) => at + 1),
        ])
      }
    }),
    { numRuns: 150 },
  )
})

/** Each number where it comes for the first time. */
function firstsOf(numbers: readonly number[]): readonly number[] {
  return [...new Set(numbers)]
}
