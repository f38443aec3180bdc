import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

/** A redis-server on loopback that this process started. It keeps nothing on disk. */
export interface TestRedis extends AsyncDisposable {
  readonly host: string
  readonly port: number
  /** Ends it, as a crash would; `start` brings an empty one back on the same port. */
  kill(): Promise<void>
  start(): Promise<void>
  /** Stops it without closing its connections, until `thaw`. */
  freeze(): void
  thaw(): void
  close(): Promise<void>
}

/** Options of {@link startTestRedis}. */
export interface TestRedisOptions {
  /** A file of configuration. */
  readonly config?: string
  /** More arguments of the command line. */
  readonly args?: readonly string[]
  /** Then it listens with TLS only. */
  readonly certificatePaths?: { readonly key: string; readonly cert: string }
}

const HOST = '127.0.0.1'

/** Whether there is a redis-server here. In CI it must be: tests that were skipped unseen are no tests. */
export function hasRedis(): boolean {
  try {
    execFileSync('redis-server', ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    if (process.env['CI']) throw new Error('redis-server is not installed: apt-get install redis-server')
    process.stderr.write('skipped: tests of Redis need redis-server (apt-get install redis-server)\n')
    return false
  }
}

// What a test run that is cut off would leave behind.
const running = new Set<ChildProcess>()
process.once('exit', () => {
  for (const server of running) server.kill('SIGKILL')
})

/** Starts a redis-server on a free port of loopback. */
export async function startTestRedis(options: TestRedisOptions = {}): Promise<TestRedis> {
  for (let tries = 1; ; tries += 1) {
    const redis = new RunningRedis(await freePort(), options)
    try {
      await redis.start()
      return redis
    } catch (error) {
      await redis.close()
      // Somebody else may have taken the port since.
      if (tries === 5 || !String(error).includes('Address already in use')) throw error
    }
  }
}

class RunningRedis implements TestRedis {
  readonly host = HOST
  readonly port: number
  readonly #options: TestRedisOptions
  readonly #folder = mkdtempSync(join(tmpdir(), 'test-redis-'))
  #server: ChildProcess | undefined

  constructor(port: number, options: TestRedisOptions) {
    this.port = port
    this.#options = options
  }

  async start(): Promise<void> {
    const { args = [], config, certificatePaths: paths } = this.#options
    const port = String(this.port)
    const listen = paths
      ? [
          '--port',
          '0',
          '--tls-auth-clients',
          'no',
          '--tls-port',
          port,
          '--tls-cert-file',
          paths.cert,
          '--tls-key-file',
          paths.key,
        ]
      : ['--port', port]
    const server = spawn(
      'redis-server',
      [
        ...(config === undefined ? [] : [config]),
        ...listen,
        '--bind',
        HOST,
        '--save',
        '',
        '--appendonly',
        'no',
        '--dir',
        this.#folder,
        ...args,
      ],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    )
    this.#server = server
    running.add(server)
    server.once('exit', () => running.delete(server))
    await said(server, /Ready to accept connections|Sentinel ID is/)
  }

  async kill(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    if (!server || server.exitCode !== null || server.signalCode !== null) return
    const gone = new Promise((resolve) => server.once('exit', resolve))
    server.kill('SIGKILL')
    await gone
  }

  freeze(): void {
    this.#server?.kill('SIGSTOP')
  }

  thaw(): void {
    this.#server?.kill('SIGCONT')
  }

  async close(): Promise<void> {
    await this.kill()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}

/** Three nodes that share the slots, without replicas. */
export interface TestRedisCluster extends AsyncDisposable {
  readonly nodes: readonly TestRedis[]
  close(): Promise<void>
}

/** Starts a cluster on loopback. */
export async function startTestRedisCluster(): Promise<TestRedisCluster> {
  const nodes: TestRedis[] = []
  const close = async (): Promise<void> => void (await Promise.all(nodes.map((node) => node.close())))
  try {
    for (let count = 0; count < 3; count += 1) nodes.push(await startNode())
    const addresses = nodes.map(({ host, port }) => `${host}:${port}`)
    const [first] = nodes
    execFileSync(
      'redis-cli',
      ['--cluster', 'create', ...addresses, '--cluster-replicas', '0', '--cluster-yes'],
      {
        stdio: 'pipe',
      },
    )
    // Each node learns from the others that all slots are served.
    while (!nodes.every(({ port }) => askRedis(port, 'CLUSTER', 'INFO').includes('cluster_state:ok'))) {
      await delay(50)
    }
    if (!first) throw new Error('a cluster has nodes')
    return { nodes, close, [Symbol.asyncDispose]: close }
  } catch (error) {
    await close()
    throw error
  }
}

async function startNode(): Promise<TestRedis> {
  const busPort = await freePort()
  return await startTestRedis({
    args: [
      '--cluster-enabled',
      'yes',
      '--cluster-port',
      String(busPort),
      '--cluster-config-file',
      'nodes.conf',
    ],
  })
}

/** What the server at `port` answers to a command, as redis-cli shows it. */
export function askRedis(port: number, ...command: readonly string[]): string {
  return execFileSync('redis-cli', ['-h', HOST, '-p', String(port), ...command], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  }).trim()
}

/** A port that nobody listens on just now. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('a TCP server has a port')
  return address.port
}

async function said(server: ChildProcess, text: RegExp): Promise<void> {
  let output = ''
  await new Promise<void>((resolve, reject) => {
    const onData = (chunk: Buffer): void => {
      output += chunk.toString()
      if (text.test(output)) resolve()
    }
    server.stdout?.on('data', onData)
    server.stderr?.on('data', onData)
    server.once('error', reject)
    server.once('exit', (code) =>
      reject(new Error(`redis-server ended with ${code}: ${output.slice(-2_000)}`)),
    )
  })
}
