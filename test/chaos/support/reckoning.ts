import { expect } from 'vitest'
import type { ChaosClient } from './chaos-client.ts'
import type { ChaosRun } from './chaos-run.ts'
import type { ChaosWorld } from './chaos-world.ts'
import { WAYS } from './member-consumer.ts'

/** `by` sends to every group in every way, while all is calm. Resolves to who did not get each message exactly once. */
export async function sayToAll(
  run: ChaosRun,
  world: ChaosWorld,
  by: ChaosClient,
  groups: readonly string[],
): Promise<readonly string[]> {
  const sent = groups.flatMap((group) =>
    WAYS.map((way) => {
      const members = run.members(group).map(({ client }) => client)
      return { members, group, way, id: run.say(by, way, group) }
    }),
  )
  await world.idle()
  return sent.flatMap(({ members, group, way, id }) =>
    members
      .filter(({ received }) => received.get(id) !== 1)
      .map(({ channelName, received }) => `${way} to ${group}: ${channelName} got ${received.get(id) ?? 0}`),
  )
}

/** In the store are all members that live, and none that is dead. */
export async function expectExactMembers(
  run: ChaosRun,
  world: ChaosWorld,
  groups: readonly string[],
): Promise<void> {
  for (const group of groups) {
    const stored = await membersOf(world, group)
    const sure = run.members(group).map(({ client }) => client.channelName)
    const unsure = run.open.filter((client) => client.unsure.has(group)).map(({ channelName }) => channelName)
    expect(
      sure.filter((name) => !stored.includes(name)),
      `live members that are not in ${group}`,
    ).toEqual([])
    expect(
      stored.filter((name) => !sure.includes(name) && !unsure.includes(name)),
      `in ${group}, and dead or never a member`,
    ).toEqual([])
  }
}

/** Everybody goes, half of them without a `$disconnect`; after one more send to every group nothing is stored. */
export async function expectEmptyWorld(
  run: ChaosRun,
  world: ChaosWorld,
  { witness, groups }: { readonly witness: ChaosClient; readonly groups: readonly string[] },
): Promise<void> {
  const leavers = run.open
  for (const [index, client] of leavers.entries()) {
    if (index === Math.floor(leavers.length / 2)) {
      await leftAlone(world, leavers.length - index + 1)
      world.gateway.faults.loseDisconnect = true
    }
    client.vanish()
  }
  await leftAlone(world, 1)
  await world.calm()

  for (const group of groups)
    witness.command({ do: 'frame', id: `last-${group}`, group, excludesSelf: false })
  await world.idle()
  witness.close()
  await leftAlone(world, 0)
  await world.idle()

  const ids = run.clients.map(({ channelName }) => channelName).filter((name) => name !== '')
  const contents = await world.store.contents({ ids, groups })
  expect(contents.filter((item) => !isKnownLeftover(item, world))).toEqual([])
}

/** All members of a group, page by page. */
export async function membersOf(world: ChaosWorld, group: string): Promise<readonly string[]> {
  const ids: string[] = []
  let after: string | undefined
  do {
    const page = await world.store.store.members(group, after === undefined ? {} : { after })
    ids.push(...page.members.map(({ connectionId }) => connectionId))
    after = page.next
  } while (after !== undefined)
  return ids
}

async function leftAlone(world: ChaosWorld, count: number): Promise<void> {
  await expect.poll(() => world.gateway.connections.count, { timeout: 20_000 }).toBe(count)
}

/** The record of a refused connection whose clean-up failed as well, which was logged: its time to live ends it. */
function isKnownLeftover(item: string, { logger }: ChaosWorld): boolean {
  return logger.lines.some(({ level, message, details }) => {
    const { channelName } = (details ?? {}) as { readonly channelName?: string }
    return (
      level === 'error' &&
      message === 'clean-up of a refused connection failed' &&
      channelName !== undefined &&
      item.includes(channelName)
    )
  })
}
