import fc from 'fast-check'
import { expect, test } from 'vitest'
import { GatewayWorld } from '../support/gateway-world.ts'
import {
  expectFrames,
  GROUPS,
  lifecycleCommands,
  LifecycleConsumer,
  type LifecycleModel,
} from '../support/lifecycle-model.ts'

async function endAll({ clients }: LifecycleModel, world: GatewayWorld): Promise<void> {
  for (const [id, { status }] of clients) {
    // Of those that vanished, API Gateway has lost the $disconnect: the time to live is what ends them.
    if (status === 'connected') await world.disconnect(id)
  }
  await world.clock.advance(2 * 3_600_000 + 11 * 60_000)
}

async function expectEmpty(world: GatewayWorld): Promise<void> {
  for (const group of GROUPS) expect(await world.members(group)).toEqual([])
  for (let index = 0; index < 6; index++) expect(await world.store.load(`client-${index}=`)).toBeUndefined()
  expect(world.queue.size).toBe(0)
}

test('whatever clients do, and in whatever order: no ghost members, no message lost or doubled, nothing left', async () => {
  await fc.assert(
    fc.asyncProperty(fc.commands(lifecycleCommands, { maxCommands: 40 }), async (commands) => {
      const world = new GatewayWorld({ application: LifecycleConsumer.asApplication(), pageSize: 2 })
      const model: LifecycleModel = { clients: new Map(), heard: new Map() }

      await fc.asyncModelRun(() => ({ model, real: world }), commands)

      await expectFrames(model, world)
      await endAll(model, world)
      await expectEmpty(world)
      expect(world.failures.every(({ error }) => String(error).includes('on purpose'))).toBe(true)
    }),
    { numRuns: 300 },
  )
})
