import { type ChannelStore, type GroupMember, requireGroupName } from '../../shared/index.ts'
import type { Command } from '../command.ts'
import { parseNumber } from '../parameters.ts'
import { age, tableLines } from '../text.ts'

const DEFAULT_LIMIT = 100
const MAX_LIMIT = 100_000

/** `group-list GROUP` */
export const groupList: Command = {
  name: 'group-list',
  parameters: ['GROUP'],
  summary: 'list the members of a group',
  options: {
    limit: { value: 'NUMBER', help: `at most so many members (default ${DEFAULT_LIMIT})` },
  },
  run: async ({ parameters: [name = ''], options, reach, now }) => {
    const group = requireGroupName(name)
    const limit = parseNumber('limit', options.text('limit'), {
      absent: DEFAULT_LIMIT,
      least: 1,
      most: MAX_LIMIT,
    })
    const { members, hasMore } = await firstMembers(await reach.store(), group, limit)
    const rows = members.map(({ connectionId, connectedAt }) => [
      connectionId,
      new Date(connectedAt).toISOString(),
      age(connectedAt, now),
    ])
    const table =
      members.length === 0 ? [`${group}: no members`] : tableLines(['channel', 'connected', 'age'], rows)
    const more = hasMore ? [`and more: --limit shows more than ${limit}`] : []
    return {
      json: { group, members: members.map((member) => ({ ...member })), hasMore },
      lines: [...table, ...more],
    }
  },
}

async function firstMembers(
  store: ChannelStore,
  group: string,
  limit: number,
): Promise<{ readonly members: readonly GroupMember[]; readonly hasMore: boolean }> {
  const members: GroupMember[] = []
  let after: string | undefined
  do {
    const page = await store.members(group, after === undefined ? {} : { after })
    members.push(...page.members)
    after = page.next
  } while (after !== undefined && members.length <= limit)
  return { members: members.slice(0, limit), hasMore: members.length > limit }
}
