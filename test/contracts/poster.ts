import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import type { Clock } from '../../shared/clock.ts'
import type { Poster } from '../../shared/gateway/poster.ts'
import { ConnectionsStub, type StubScript } from '../support/connections-stub.ts'
import { HastyClock } from '../support/hasty-clock.ts'
import { type TestCertificate, testCertificate } from '../support/test-certificate.ts'
import { INFO, type PosterFixture } from './poster-fixture.ts'
import { outcomes } from './poster-outcomes.ts'
import { statuses, tryingAgain } from './poster-statuses.ts'
import { aborting, arrivals, responses } from './poster-transport.ts'

/** What a poster under test is made from. */
export interface PosterSetup {
  readonly endpoint: string
  readonly timeoutMs: number
  readonly maxTries: number
  readonly clock: Clock
  readonly onThrottled: () => void
  /** The certificate to trust. */
  readonly ca: string | undefined
}

/** What every {@link Poster} does, over http and https. `name` is known to `test/support/post-and-end.ts`. */
export function posterContract(name: string, makePoster: (setup: PosterSetup) => Poster): void {
  const certificate = testCertificate()
  describe(`${name} over http`, { timeout: 30_000 }, () => contract(name, makePoster, undefined))
  describe.skipIf(!certificate)(`${name} over https (needs openssl)`, { timeout: 30_000 }, () =>
    contract(name, makePoster, certificate),
  )
}

function contract(
  name: string,
  makePoster: (setup: PosterSetup) => Poster,
  certificate: TestCertificate | undefined,
): void {
  async function given(script?: StubScript, timeoutMs = 10_000): Promise<PosterFixture> {
    const stub = await ConnectionsStub.start(certificate)
    if (script) stub.script = script
    const clock = new HastyClock()
    let throttled = 0
    const poster = makePoster({
      endpoint: stub.endpoint,
      timeoutMs,
      maxTries: 4,
      clock,
      onThrottled: () => void (throttled += 1),
      ca: certificate?.cert,
    })
    return {
      stub,
      poster,
      clock,
      get throttled() {
        return throttled
      },
      async [Symbol.asyncDispose]() {
        poster.destroy()
        await stub[Symbol.asyncDispose]()
      },
    }
  }

  describe('outcomes', () => outcomes((status) => given(() => ({ status, body: JSON.stringify(INFO) }))))
  describe('statuses', () => statuses(given))
  describe('trying again', () => tryingAgain(given))
  describe('responses', () => responses(given))
  describe('what arrives', () => arrivals(given))
  describe('aborting', () => aborting(given))

  it('does not keep the process alive by idle sockets', async () => {
    await using fixture = await given()
    const script = fileURLToPath(new URL('../support/post-and-end.ts', import.meta.url))
    // The test runner's own NODE_OPTIONS are not meant for this program.
    const env = { ...process.env, NODE_OPTIONS: '' }
    const child = spawn(process.execPath, [script, name, fixture.stub.endpoint], {
      env: certificate ? { ...env, NODE_TLS_REJECT_UNAUTHORIZED: '0' } : env,
    })
    const output: string[] = []
    child.stdout.on('data', (piece) => output.push(String(piece)))

    const [code] = await once(child, 'close')

    expect(output.join('')).toBe('posted')
    expect(code).toBe(0)
  })
}
