import { IDLE_TIMEOUT_SECONDS, INTEGRATION_TIMEOUT_MS, MAX_CONNECTION_SECONDS } from '../shared/limits.ts'

/**
 * Where AWS's behaviour is not known for certain, or a test wants another value. The defaults are the best
 * knowledge; docs/reference/gateway-conformance.md says how sure each is.
 */
export interface GatewayPolicies {
  /** Status of a handshake whose `$connect` runs into the integration time-out. Default 504. */
  readonly connectTimeoutStatus: number
  /** How long the gateway waits for an integration. Default 29 000; API Gateway allows no more. */
  readonly integrationTimeoutMs: number
  /** Whether `$disconnect` runs for a client that vanished while its `$connect` was being accepted. Default true. */
  readonly disconnectAfterVanishing: boolean
  /** Whether a client's ping or pong counts as traffic. Default false. */
  readonly pingsResetIdle: boolean
  /** A connection without traffic for this long is closed with 1001. Default 600 000. */
  readonly idleTimeoutMs: number
  /** A connection older than this is closed with 1001. Default 7 200 000. */
  readonly maxConnectionMs: number
  /** Bytes waiting for a slow client above which a post answers 429. Default 1 MiB. */
  readonly maxBufferedBytes: number
  /** Whether a request to `@connections` without a SigV4 `Authorization` header answers 403. Default false. */
  readonly requireSignature: boolean
  /** Status of a plain GET on the stage URL when no `http` handler is given. Default 403. */
  readonly plainGetStatus: number
  /** Status of a handshake whose URL is longer than 4096 characters. Default 414. */
  readonly longUrlStatus: number
  /** How long a closing client may take to answer the close frame. Default 1000. */
  readonly closeTimeoutMs: number
  /** How long a failed queue message stays hidden before its next delivery. Default 1000. */
  readonly visibilityTimeoutMs: number
  /** Deliveries of a queue message before it becomes a dead letter. Default 5. */
  readonly maxReceiveCount: number
  /** Batches of the queue that are worked on at the same time. Default 5. */
  readonly queueConcurrency: number
}

/** What API Gateway does, as far as is known. */
export const defaultPolicies: GatewayPolicies = {
  connectTimeoutStatus: 504,
  integrationTimeoutMs: INTEGRATION_TIMEOUT_MS,
  disconnectAfterVanishing: true,
  pingsResetIdle: false,
  idleTimeoutMs: IDLE_TIMEOUT_SECONDS * 1000,
  maxConnectionMs: MAX_CONNECTION_SECONDS * 1000,
  maxBufferedBytes: 1024 * 1024,
  requireSignature: false,
  plainGetStatus: 403,
  longUrlStatus: 414,
  closeTimeoutMs: 1000,
  visibilityTimeoutMs: 1000,
  maxReceiveCount: 5,
  queueConcurrency: 5,
}
