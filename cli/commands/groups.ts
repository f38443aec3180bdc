import type { Command } from '../command.ts'
import { tableLines } from '../text.ts'
import { connectionsOf } from './connections.ts'

/** `groups` */
export const groups: Command = {
  name: 'groups',
  parameters: [],
  summary: 'list groups and how many connections each has; reads everything that is stored',
  options: {},
  run: async ({ reach }) => {
    const sizes = new Map<string, number>()
    for await (const record of connectionsOf(await reach.store())) {
      for (const group of record.groups) sizes.set(group, (sizes.get(group) ?? 0) + 1)
    }
    const sorted = [...sizes].toSorted(([a, sizeOfA], [b, sizeOfB]) => sizeOfB - sizeOfA || (a < b ? -1 : 1))
    const rows = sorted.map(([group, size]) => [group, String(size)])
    return {
      json: { groups: sorted.map(([group, size]) => ({ group, connections: size })) },
      lines: rows.length === 0 ? ['no groups'] : tableLines(['group', 'connections'], rows),
    }
  },
}
