import { randomFillSync } from 'node:crypto'

const POOL_BYTES = 11 * 512
const pool = Buffer.alloc(POOL_BYTES)
let used = POOL_BYTES

/**
 * A connection, request or message id as API Gateway makes them: 11 random bytes in base64url, which is 15
 * characters and one `=`. May contain `-` and `_`.
 */
export function gatewayId(): string {
  if (used === POOL_BYTES) {
    randomFillSync(pool)
    used = 0
  }
  const id = pool.toString('base64', used, used + 11)
  used += 11
  return id.replaceAll('+', '-').replaceAll('/', '_')
}

/** A message id: in captures its last 6 characters are those of the connection id. */
export function messageId(connectionId: string): string {
  return gatewayId().slice(0, 10) + connectionId.slice(-6)
}

const WELL_FORMED = /^[A-Za-z0-9_-]{15}=$/

/** Says whether `id` has the form of a connection id, which decides between 410 and 400. */
export function isConnectionId(id: string): boolean {
  return WELL_FORMED.test(id)
}
