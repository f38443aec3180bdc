import { hash } from 'node:crypto'

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
