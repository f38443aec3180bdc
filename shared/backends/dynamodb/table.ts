import { createHash } from 'node:crypto'
import { memberPosition } from '../../stores/member-position.ts'

/**
 * How connections and memberships lie in the one table. Constants and pure functions only, so that
 * infrastructure code can import it without the SDK.
 *
 * Attribute names are part of every item's size, and size is what DynamoDB bills: they are short.
 */
export const PARTITION_KEY = 'pk'
export const SORT_KEY = 'sk'

/** Seconds since the epoch; the attribute that the table's time to live must be enabled on. */
export const TIME_TO_LIVE_ATTRIBUTE = 'ttl'

/** When the connection was opened, in milliseconds since the epoch; on records and on memberships. */
export const CONNECTED_AT_ATTRIBUTE = 'at'

/** Of a record: JSON text. */
export const SCOPE_ATTRIBUTE = 'scope'

/** Of a record: a map with one entry per key, so that two writes of different keys both last. */
export const STATE_ATTRIBUTE = 'state'

/** Of a record: a number. */
export const VERSION_ATTRIBUTE = 'ver'

/** Of a record: which conditional write of the state was the last; absent before the first. */
export const WRITER_ATTRIBUTE = 'by'

/** Of a record: a set of strings; absent when there are none, since DynamoDB has no empty set. */
export const GROUPS_ATTRIBUTE = 'groups'

/** Of a count of hits: a number. */
export const HITS_ATTRIBUTE = 'hits'

/** The primary key of one item. */
export interface ItemKey {
  readonly [PARTITION_KEY]: { readonly S: string }
  readonly [SORT_KEY]: { readonly S: string }
}

/** What the partition of a connection's record begins with. */
export const RECORD_PARTITION = 'C#'

/** Where a connection's record is. */
export function recordKey(connectionId: string): ItemKey {
  return { [PARTITION_KEY]: { S: RECORD_PARTITION + connectionId }, [SORT_KEY]: { S: '#' } }
}

/** Where a connection's membership of a group is. */
export function memberKey(group: string, connectionId: string): ItemKey {
  return { [PARTITION_KEY]: { S: groupPartition(group) }, [SORT_KEY]: { S: memberPosition(connectionId) } }
}

// One read unit is 4096 bytes. All of a membership but the group's name is 46 bytes, so 56 characters of name
// keep it at 102, and 40 memberships in one read unit.
const LONGEST_PLAIN_GROUP = 56

/** The partition of a group's memberships. A long name is hashed, so that a membership stays small. */
export function groupPartition(group: string): string {
  if (group.length <= LONGEST_PLAIN_GROUP) return `G#${group}`
  return `H#${createHash('sha256').update(group).digest('base64url')}`
}

/** Where a session is. */
export function sessionKey(key: string): ItemKey {
  return { [PARTITION_KEY]: { S: `S#${key}` }, [SORT_KEY]: { S: '#' } }
}

/** Where a ticket is. */
export function ticketKey(key: string): ItemKey {
  return { [PARTITION_KEY]: { S: `T#${key}` }, [SORT_KEY]: { S: '#' } }
}

/** Where the hits of one window of time are counted. */
export function rateKey(key: string, windowSeconds: number, window: number): ItemKey {
  return { [PARTITION_KEY]: { S: `R#${key}` }, [SORT_KEY]: { S: `${windowSeconds}#${window}` } }
}

/** Says whether a partition is of a record or of a group; a table may hold more than these. */
export function isOwnPartition(partition: string): boolean {
  return /^[CGH]#/.test(partition)
}

/** What CreateTable takes; billed per request. Time to live has a call of its own. */
export interface TableDefinition {
  readonly TableName: string
  readonly BillingMode: 'PAY_PER_REQUEST'
  readonly AttributeDefinitions: { AttributeName: string; AttributeType: 'S' }[]
  readonly KeySchema: { AttributeName: string; KeyType: 'HASH' | 'RANGE' }[]
}

/** The table of a {@link DynamoDBChannelStore}. */
export function tableDefinition(tableName: string): TableDefinition {
  return {
    TableName: tableName,
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: [
      { AttributeName: PARTITION_KEY, AttributeType: 'S' },
      { AttributeName: SORT_KEY, AttributeType: 'S' },
    ],
    KeySchema: [
      { AttributeName: PARTITION_KEY, KeyType: 'HASH' },
      { AttributeName: SORT_KEY, KeyType: 'RANGE' },
    ],
  }
}
