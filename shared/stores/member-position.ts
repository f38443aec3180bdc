import { hash } from 'node:crypto'
import type { MemberRange } from './channel-store.ts'

const PREFIX_LENGTH = 4

/** How many prefixes there are: positions begin with 4 hexadecimal digits, `0000` to `ffff`. */
export const POSITION_PREFIXES: number = 16 ** PREFIX_LENGTH

/**
 * Where a connection stands among the members of every group: a sort key that is spread evenly over
 * {@link POSITION_PREFIXES} prefixes, so that the first page of a group tells how large the group is, and a
 * group can be cut into even ranges without a counter. Positions are ASCII and compare with `<`.
 */
export function memberPosition(connectionId: string): string {
  return `${hash('sha256', connectionId, 'hex').slice(0, PREFIX_LENGTH)}#${connectionId}`
}

/** The connection id in a position. */
export function connectionAt(position: string): string {
  return position.slice(PREFIX_LENGTH + 1)
}

/** The part of all positions that lies within `range`, from 0 to 1: so is the part of a group's members, about. */
export function shareOf({ after, upTo }: MemberRange): number {
  return (endOf(upTo) - startOf(after)) / POSITION_PREFIXES
}

/** Cuts `range` into at most `count` ranges of the same share, which lie side by side and leave nothing out. */
export function cutRange(range: MemberRange, count: number): readonly MemberRange[] {
  const [start, end] = [startOf(range.after), endOf(range.upTo)]
  const cuts = Array.from({ length: count - 1 }, (_, index) =>
    Math.round(start + ((end - start) * (index + 1)) / count),
  )
  // A narrow range has fewer prefixes than it should have parts.
  const edges = [...new Set(cuts)].filter((cut) => cut > start && cut < end).map(prefixText)
  return [...edges, undefined].map((edge, index) => ({
    ...range,
    ...(index === 0 ? {} : { after: edges[index - 1] as string }),
    ...(edge === undefined ? {} : { upTo: edge }),
  }))
}

function startOf(after: string | undefined): number {
  return after === undefined ? 0 : prefixOf(after)
}

function endOf(upTo: string | undefined): number {
  if (upTo === undefined) return POSITION_PREFIXES
  // A bare prefix lies before all positions with it; a whole position is one of them.
  return prefixOf(upTo) + (upTo.length > PREFIX_LENGTH ? 1 : 0)
}

function prefixOf(position: string): number {
  return Number.parseInt(position.slice(0, PREFIX_LENGTH), 16)
}

function prefixText(prefix: number): string {
  return prefix.toString(16).padStart(PREFIX_LENGTH, '0')
}
