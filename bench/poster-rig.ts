import { hash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import { testCertificate } from '../test/support/test-certificate.ts'
import { PinnedProcess } from './pinned-process.ts'
import { CONNECTIONS, type Round, STAGE, type StubCounts, type StubOrder } from './poster-protocol.ts'
import type { WayName } from './poster-ways.ts'

const CLIENT_CORE = 0
const STUB_CORE = 1

/** A session token has about this many characters in Lambda, and is part of every request and signature. */
const TOKEN_CHARACTERS = 705

/** A round, and how it was from the other side. */
export interface WatchedRound extends Round {
  readonly stub: StubCounts
}

/** How a client is run. */
export interface RunOptions {
  readonly latencyMs: number
  readonly rounds: number
  /** Flags for Node. */
  readonly flags?: readonly string[]
}

/** A stub of `@connections` in a process of its own, and clients that are started afresh. */
export class PosterRig implements AsyncDisposable {
  readonly #folder: string
  readonly #client: string
  readonly #stub: PinnedProcess
  #port = 0

  private constructor(folder: string, key: string, cert: string) {
    this.#folder = folder
    this.#client = join(folder, 'poster-client.mjs')
    writeFileSync(this.#authority, cert)
    this.#stub = new PinnedProcess(join(folder, 'poster-stub.mjs'), {
      core: STUB_CORE,
      env: { BENCH_KEY: key, BENCH_CERT: cert },
    })
  }

  /** Bundles client and stub, so that neither pays for TypeScript; `undefined` without openssl for a certificate. */
  static async start(): Promise<PosterRig | undefined> {
    const certificate = testCertificate()
    if (certificate === undefined) return undefined
    const folder = mkdtempSync(join(tmpdir(), 'lambda-channels-poster-'))
    await build({
      entryPoints: ['poster-client.ts', 'poster-stub.ts'].map((file) => join(import.meta.dirname, file)),
      outdir: folder,
      outExtension: { '.js': '.mjs' },
      bundle: true,
      // A way that is not used is not loaded.
      splitting: true,
      minify: true,
      keepNames: true,
      platform: 'node',
      format: 'esm',
      target: 'node24',
      mainFields: ['module', 'main'],
      // The SDK's CommonJS parts call require, which an ES module lacks.
      banner: { js: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);" },
    })
    return new PosterRig(folder, certificate.key, certificate.cert)
  }

  /**
   * Runs some rounds of one way in a fresh process.
   *
   * @throws Error if a connection did not get exactly one post in a round
   */
  async run(way: WayName, { latencyMs, rounds, flags = [] }: RunOptions): Promise<readonly WatchedRound[]> {
    // What came before is none of this run's.
    this.#port = (await this.#order(latencyMs)).port
    await using client = new PinnedProcess(this.#client, {
      args: [way, `https://127.0.0.1:${this.#port}/${STAGE}`],
      flags,
      core: CLIENT_CORE,
      env: this.#clientEnvironment(),
    })
    const watched: WatchedRound[] = []
    while (watched.length < rounds) {
      const round = await client.ask<Round>({})
      const stub = await this.#order(latencyMs)
      if (way !== 'nothing') requireComplete(way, stub)
      watched.push({ ...round, stub })
    }
    return watched
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stub[Symbol.asyncDispose]()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  get #authority(): string {
    return join(this.#folder, 'authority.pem')
  }

  #order(latencyMs: number): Promise<StubCounts> {
    const order: StubOrder = { latencyMs }
    return this.#stub.ask<StubCounts>(order)
  }

  // The certificate comes in a way that serves all clients alike, and spares none the well-known ones.
  #clientEnvironment(): NodeJS.ProcessEnv {
    const token = hash('sha512', 'token', 'base64').repeat(9).slice(0, TOKEN_CHARACTERS)
    return {
      NODE_EXTRA_CA_CERTS: this.#authority,
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
      AWS_SECRET_ACCESS_KEY: 'secret',
      AWS_SESSION_TOKEN: token.replaceAll('=', 'x'),
    }
  }
}

function requireComplete(way: string, { posts, servedOnce, faults }: StubCounts): void {
  if (posts === CONNECTIONS && servedOnce === CONNECTIONS && faults.length === 0) return
  throw new Error(
    `${way}: ${posts} posts reached the stub, ${servedOnce} of ${CONNECTIONS} connections got exactly one` +
      `${faults.map((fault) => `; ${fault}`).join('')}: a figure of posts that are wrong says nothing`,
  )
}
