import type { GroupMember, MemberRange } from '../../stores/channel-store.ts'
import { connectionAt, memberPosition } from '../../stores/member-position.ts'

/** A member as a group's sorted set holds it. */
export interface MemberEntry extends GroupMember {
  readonly expiresAt: number
}

// Entries are "position connectedAt expiresAt", all with one score, so Redis sorts them by their bytes. A space
// sorts before every character of a position: no entry comes between a position and its own entry.
const SEPARATOR = ' '
const BEHIND_SEPARATOR = '!'

/** The text of a member. The same connection always gives the same, so adding it again changes nothing. */
export function memberEntry({ connectionId, connectedAt, expiresAt }: MemberEntry): string {
  return [memberPosition(connectionId), connectedAt, expiresAt].join(SEPARATOR)
}

/** The member in an entry. */
export function memberOfEntry(entry: string): MemberEntry {
  const [position = '', connectedAt, expiresAt] = entry.split(SEPARATOR)
  return {
    connectionId: connectionAt(position),
    connectedAt: Number(connectedAt),
    expiresAt: Number(expiresAt),
  }
}

/** The position in an entry. */
export function positionOfEntry(entry: string): string {
  return entry.slice(0, entry.indexOf(SEPARATOR))
}

/** The ends of a range as `ZRANGEBYLEX` takes them. */
export function entryRange({ after, upTo }: MemberRange): readonly [min: string, max: string] {
  return [
    after === undefined ? '-' : `[${after}${BEHIND_SEPARATOR}`,
    upTo === undefined ? '+' : `(${upTo}${BEHIND_SEPARATOR}`,
  ]
}

/** The range that has the entry of one connection, and no other. */
export function entryOf(connectionId: string): readonly [min: string, max: string] {
  const position = memberPosition(connectionId)
  return [`[${position}${SEPARATOR}`, `(${position}${BEHIND_SEPARATOR}`]
}
