import type { GroupMember, MemberRange } from '../../stores/channel-store.ts'
import { connectionAt } from '../../stores/member-position.ts'
import { numberOf } from './record-item.ts'
import {
  CONNECTED_AT_ATTRIBUTE,
  groupPartition,
  PARTITION_KEY,
  SORT_KEY,
  TIME_TO_LIVE_ATTRIBUTE,
} from './table.ts'
import type { Item, QueryInput } from './transport.ts'

const NAMES = {
  '#pk': PARTITION_KEY,
  '#sk': SORT_KEY,
  '#at': CONNECTED_AT_ATTRIBUTE,
  '#ttl': TIME_TO_LIVE_ATTRIBUTE,
}

/** Where to read, and how much. */
export interface MemberQuery {
  readonly tableName: string
  readonly group: string
  readonly range: MemberRange
  readonly pageSize: number
}

/** The query for one page of a group's members; `undefined` if nobody can be in the range. */
export function memberQuery({ tableName, group, range, pageSize }: MemberQuery): QueryInput | undefined {
  const { after = '', upTo } = range
  const partition = { S: groupPartition(group) }
  const input: QueryInput = {
    TableName: tableName,
    ConsistentRead: true,
    Limit: pageSize,
    KeyConditionExpression: '#pk = :group',
    ProjectionExpression: '#sk, #at, #ttl',
    ExpressionAttributeNames: NAMES,
    ExpressionAttributeValues: { ':group': partition },
  }
  // A key condition has one comparison of the sort key, so the lower end is where the query "left off".
  if (after !== '') input.ExclusiveStartKey = { [PARTITION_KEY]: partition, [SORT_KEY]: { S: after } }
  if (upTo === undefined) return input
  // DynamoDB refuses a start outside of the condition, and an empty string as a key.
  if (after >= upTo) return undefined
  return {
    ...input,
    KeyConditionExpression: '#pk = :group AND #sk <= :upTo',
    ExpressionAttributeValues: { ':group': partition, ':upTo': { S: upTo } },
  }
}

/** The member in an item that a {@link memberQuery} found. */
export function memberOfItem(item: Item): GroupMember {
  return {
    connectionId: connectionAt(item[SORT_KEY]?.S ?? ''),
    connectedAt: numberOf(item, CONNECTED_AT_ATTRIBUTE),
  }
}
