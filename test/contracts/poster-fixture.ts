import type { Poster } from '../../shared/gateway/poster.ts'
import type { ConnectionsStub, StubScript } from '../support/connections-stub.ts'
import type { HastyClock } from '../support/hasty-clock.ts'

/** A connection id with each character that needs care in a path. */
export const ID = 'e_d2EewNLPEC-Gw='

/** What GET answers. */
export const INFO = {
  connectedAt: '2025-02-03T01:46:33.523Z',
  identity: { sourceIp: '203.0.113.7', userAgent: 'wscat' },
  lastActiveAt: '2025-02-03T01:46:36.076Z',
} as const

/** A stub, a poster for it, and the clock that the poster waits on. */
export interface PosterFixture extends AsyncDisposable {
  readonly stub: ConnectionsStub
  readonly poster: Poster
  readonly clock: HastyClock
  /** How often the poster was told 429, as it says. */
  readonly throttled: number
}

/** Makes a fixture whose stub follows `script`; a try lasts 10 seconds unless told otherwise. */
export type Given = (script?: StubScript, timeoutMs?: number) => Promise<PosterFixture>
