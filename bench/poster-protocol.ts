import { hash } from 'node:crypto'

/** Connections posted to in a round, each once. */
export const CONNECTIONS = 10_000

/** The stage of the endpoint. */
export const STAGE = 'prod'

/** The text of every post: 200 bytes. */
export const PAYLOAD: string = JSON.stringify({ type: 'chat.message', message: '#'.repeat(164) })

/** Ids of the length and alphabet that API Gateway's have; they end with `=`, which a path must encode. */
export function connectionIds(): readonly string[] {
  return Array.from(
    { length: CONNECTIONS },
    (_, index) => `${hash('sha256', `connection ${index}`, 'base64url').slice(0, 15)}=`,
  )
}

/** What the bench asks the stub: to count afresh, and to answer so many milliseconds after a request. */
export interface StubOrder {
  readonly latencyMs: number
}

/** What the stub has counted since the last order. */
export interface StubCounts {
  readonly port: number
  /** Requests that were read completely. */
  readonly posts: number
  /** Connections of {@link connectionIds} that got exactly one post. */
  readonly servedOnce: number
  /** What was wrong with others, if anything was. */
  readonly faults: readonly string[]
  /** From reading a request to writing its answer. */
  readonly meanLatencyMs: number
  readonly mostSockets: number
  readonly cpuMs: number
}

/** One round of a client: every connection got one post. */
export interface Round {
  readonly ms: number
  /** User and system time of the whole process. */
  readonly cpuMs: number
  /** The most memory that the process has had so far. */
  readonly peakMiB: number
}
