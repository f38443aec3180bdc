import type { StoreError } from '../errors.ts'
import type { JsonObject } from '../message.ts'
import type { StateChanges } from '../state-changes.ts'
import type { ChannelMessages } from './channel-messages.ts'

/** What is kept of one connection. */
export interface ConnectionRecord {
  readonly connectionId: string
  /** The JSON part of the scope. */
  readonly scope: JsonObject
  readonly state: JsonObject
  /** Goes up by one with every write of the state. */
  readonly version: number
  /** Names of the groups that the connection is, or was about to be, a member of. */
  readonly groups: readonly string[]
  /** Milliseconds since the epoch. */
  readonly connectedAt: number
  /** Seconds since the epoch; a record is never returned after it. */
  readonly expiresAt: number
}

/** Records by connection id, or why one cannot be read although it was found. */
export type LoadedRecords = ReadonlyMap<string, ConnectionRecord | StoreError>

/** A record that was removed. */
export interface RemovedRecord extends ConnectionRecord {
  /** Why some memberships are left, if they are: the next send to their groups, or expiry, ends them. */
  readonly membershipFailure?: StoreError
}

/** One member of a group. */
export interface GroupMember {
  readonly connectionId: string
  /** When its connection was opened, in milliseconds since the epoch (the precision may be a second). */
  readonly connectedAt: number
}

/** A stretch of a group's members in the order of their sort keys; open ends reach the group's own. */
export interface MemberRange {
  /** Only members whose position is greater. */
  readonly after?: string
  /** Only members whose position is not greater. */
  readonly upTo?: string
}

/** Some members of a group, in the order of their positions. */
export interface MemberPage {
  readonly members: readonly GroupMember[]
  /** Where to go on (`after`); absent on the last page. A page may be empty and yet not be the last. */
  readonly next?: string
}

/** What a write changes of a record: keys of its state and, where it is given, the whole scope. */
export interface RecordWrite extends StateChanges {
  readonly scope?: JsonObject
}

/**
 * What a channel layer remembers: connections, and who is in which group.
 *
 * A connection's record and its memberships belong together, so one port holds both: a membership is only
 * added while the record exists, and goes with it. Every method may throw {@link StoreError}; each is safe to
 * call again after that. Reads see every write that was acknowledged before they began.
 */
export interface ChannelStore {
  /**
   * Names the place where everything is kept, as exactly as it is known without asking: two stores with one identity keep
   * their records in one place. A store without one is taken for a place of its own.
   */
  readonly identity?: string | undefined

  /** Where messages wait that somebody receives; a store may have no such place. */
  readonly messages?: ChannelMessages | undefined

  /** Writes a record, replacing none, and a membership for each of `record.groups`: one round trip up to 24 groups. */
  create(record: ConnectionRecord): Promise<void>

  /** The record, or `undefined` if there is none or it has expired. */
  load(connectionId: string): Promise<ConnectionRecord | undefined>

  /**
   * The records that exist, by connection id; a store reads them in batches. In place of a record that was read and
   * cannot be understood (another key, another serializer) there is the error that says why: it costs no other.
   */
  loadMany(connectionIds: readonly string[]): Promise<LoadedRecords>

  /** Writes these changes, whatever the record's version, and raises the version. False if there is no record. */
  saveState(connectionId: string, write: RecordWrite): Promise<boolean>

  /** As `saveState`, but only if the record still has `version`. */
  saveStateIf(
    connectionId: string,
    version: number,
    write: RecordWrite,
  ): Promise<'saved' | 'conflict' | 'gone'>

  /**
   * Removes the record and the membership of each group that it names. Returns the record as it was, or
   * `undefined` if there was none: of several callers exactly one gets it, also where memberships could not be
   * ended (`membershipFailure`), because only who gets it can run `disconnect()`.
   */
  remove(connectionId: string): Promise<RemovedRecord | undefined>

  /** Makes the connection a member. Idempotent. False, and nothing added, if it has no record. */
  groupAdd(group: string, connectionId: string): Promise<boolean>

  /** Ends the membership. Idempotent; the connection needs no record. */
  groupDiscard(group: string, connectionId: string): Promise<void>

  /** One page of the group's members within `range`, expired ones left out. */
  members(group: string, range?: MemberRange): Promise<MemberPage>

  /** Removes every record, membership and message: all that it keeps, and nothing that it does not. */
  flush(): Promise<void>
}
