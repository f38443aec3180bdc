import { expect, test } from 'vitest'
import { MemoryChannelStore } from '../../../shared/backends/memory/memory-channel-store.ts'
import { BaseChannelLayer } from '../../../shared/layers/base-channel-layer.ts'
import { RecordingDelivery } from '../../support/recording-delivery.ts'

const MEMBERS = 700

/** Holds every member until there are as many as there can be. */
class CrowdedDelivery extends RecordingDelivery {
  most = 0
  #underWay = 0

  override async toMember(
    ...args: Parameters<RecordingDelivery['toMember']>
  ): Promise<'delivered' | 'failed'> {
    this.#underWay += 1
    this.most = Math.max(this.most, this.#underWay)
    await new Promise((resolve) => setImmediate(resolve))
    this.#underWay -= 1
    return super.toMember(...args)
  }
}

test('256 members are served at the same time, and no more', async () => {
  const store = new MemoryChannelStore()
  const expiresAt = Math.floor(Date.now() / 1000) + 3_600
  const record = { scope: {}, state: {}, version: 0, groups: ['room'], connectedAt: 0, expiresAt }
  for (let index = 0; index < MEMBERS; index++) await store.create({ ...record, connectionId: `m${index}=` })
  const delivery = new CrowdedDelivery()

  const result = await new BaseChannelLayer({ store, delivery }).groupSendFrame('room', 'hello')

  expect(result.delivered).toBe(MEMBERS)
  expect(delivery.most).toBe(256)
})
