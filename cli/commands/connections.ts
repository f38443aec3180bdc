import type { ConnectionRecord, JsonObject } from '../../shared/index.ts'
import type { Command, ListingStore } from '../command.ts'
import { parseNumber } from '../parameters.ts'
import { age, jsonText, tableLines } from '../text.ts'

const DEFAULT_LIMIT = 100
const MAX_LIMIT = 100_000

/** `connections` */
export const connections: Command = {
  name: 'connections',
  parameters: [],
  summary: 'list connections with their path and groups; reads everything that is stored',
  options: {
    limit: { value: 'NUMBER', help: `at most so many connections (default ${DEFAULT_LIMIT})` },
    verbose: { help: 'with all that is stored of their scopes, headers included, and their states' },
  },
  run: async ({ options, reach, now }) => {
    const range = { absent: DEFAULT_LIMIT, least: 1, most: MAX_LIMIT }
    const limit = parseNumber('limit', options.text('limit'), range)
    const isVerbose = options.flag('verbose')
    const { records, hasMore } = await firstConnections(await reach.store(), limit)
    const shown = records.map((record) => shownOf(record, isVerbose))
    return {
      json: { connections: shown, hasMore },
      lines: [
        ...(isVerbose ? shown.map((record) => jsonText(record)) : overview(records, now)),
        ...(hasMore ? [`and more: --limit shows more than ${limit}`] : []),
      ],
    }
  },
}

/** Connections among the records that a store lists. */
export async function* connectionsOf(store: ListingStore): AsyncGenerator<ConnectionRecord> {
  for await (const record of store.connections()) if (isConnection(record)) yield record
}

/** Says whether a record is of a connection: the names of channels that `newChannel` made have a "!". */
export function isConnection({ connectionId }: ConnectionRecord): boolean {
  return !connectionId.includes('!')
}

async function firstConnections(
  store: ListingStore,
  limit: number,
): Promise<{ readonly records: readonly ConnectionRecord[]; readonly hasMore: boolean }> {
  const records: ConnectionRecord[] = []
  for await (const record of connectionsOf(store)) {
    if (records.length === limit) return { records, hasMore: true }
    records.push(record)
  }
  return { records, hasMore: false }
}

function overview(records: readonly ConnectionRecord[], now: number): readonly string[] {
  if (records.length === 0) return ['no connections']
  const rows = records.map(({ connectionId, scope, connectedAt, groups }) => [
    connectionId,
    pathOf(scope),
    age(connectedAt, now),
    groups.toSorted().join(' '),
  ])
  return tableLines(['channel', 'path', 'age', 'groups'], rows)
}

/** What may be shown of a record: of its scope the path only, for headers and states may hold what is nobody's business. */
function shownOf(record: ConnectionRecord, isVerbose: boolean): JsonObject {
  const { connectionId, scope, state, version, connectedAt, expiresAt } = record
  const groups = record.groups.toSorted()
  const common = { connectionId, path: pathOf(scope), connectedAt, expiresAt, groups }
  return isVerbose ? { ...common, scope, state, version } : common
}

function pathOf({ path }: JsonObject): string {
  return typeof path === 'string' ? path : ''
}
