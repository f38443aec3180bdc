/**
 * Workers that really die: the functions run in containers, over DynamoDB, and a container is ended in the middle of its
 * posts. Its time is the machine's.
 */
import { expect, test } from 'vitest'
import { containerPool, startLocalGateway } from '../../local/index.ts'
import { startTestDynamoDB } from '../support/dynamodb.ts'
import { FakeLogger } from '../support/fake-connection.ts'
import { ChaosClient } from './support/chaos-client.ts'
import type { ContainerPlaces } from './support/container-places.ts'
import { EVERYONE, WAYS } from './support/member-consumer.ts'

const MEMBERS = 40
const SENDS = 9

test('containers that die half-way: every member gets every message', { timeout: 120_000 }, async () => {
  const logger = new FakeLogger()
  await using database = await startTestDynamoDB()
  await using gateway = await startLocalGateway({
    logger,
    policies: { visibilityTimeoutMs: 100, maxReceiveCount: 50 },
    functions: (addresses) => {
      const places: ContainerPlaces = {
        tableName: database.tableName,
        databaseEndpoint: database.endpoint,
        queueUrl: addresses.queueUrl,
        gatewayUrl: addresses.url,
        managementEndpoint: addresses.managementEndpoint,
      }
      const pool = (name: string): ReturnType<typeof containerPool> =>
        containerPool({
          entry: new URL(`./fixtures/${name}.ts`, import.meta.url),
          env: { CHAOS_PLACES: JSON.stringify(places) },
          maxContainers: 2,
        })
      return { websocket: pool('websocket'), delivery: pool('delivery') }
    },
  })
  const clients = Array.from(
    { length: MEMBERS },
    () => new ChaosClient(`${gateway.websocketUrl}?path=/ws/member/`),
  )
  expect(await Promise.all(clients.map((client) => client.opened()))).not.toContain(false)
  await gateway.idle()

  gateway.faults.shuffleMessages = true
  gateway.faults.killNextDeliveries(6, { afterPosts: 3 })
  const ids = Array.from({ length: SENDS }, (_, index) => `m${index}.`)
  for (const [index, id] of ids.entries()) {
    clients[index]?.command({ do: WAYS[index % 3] ?? 'frame', id, group: EVERYONE, excludesSelf: false })
  }
  const missing = (): number =>
    clients.reduce((sum, { received }) => sum + ids.filter((id) => !received.has(id)).length, 0)
  await expect.poll(missing, { timeout: 60_000 }).toBe(0)
  await gateway.idle()

  expect(
    logger.lines.filter(({ details }) => JSON.stringify(details).includes('Runtime.Killed')),
  ).not.toEqual([])
  expect(gateway.deadLetters).toEqual([])
  expect(clients.filter(({ isOpen }) => !isOpen)).toEqual([])
})
