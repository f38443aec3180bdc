import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { askRedis, freePort, startTestRedis, type TestRedis } from './redis.ts'
import { testCertificate } from './test-certificate.ts'

/** A Redis that is reached as ElastiCache is: by TLS, under a host name, with a user whose password does not last. */
export interface TestCache extends AsyncDisposable {
  /** `rediss:`; of a cluster with `?cluster=true`. */
  readonly url: string
  /** What makes its certificate a trusted one. */
  readonly ca: string
  /** A file with the same. */
  readonly caPath: string
  /** Lets the user `chat` in with this password, and no other. Who is in already stays. */
  acceptOnly(password: string): void
  /** Breaks off all connections of `chat`. */
  cut(): void
  /** What the server answers to a command of an administrator. */
  ask(...command: readonly string[]): string
}

/** Options of {@link startTestCache}. */
export interface TestCacheOptions {
  /** One node that has all slots, as a serverless cache presents itself. */
  readonly isCluster?: boolean
  /** What `chat` may; everything by default. */
  readonly accessString?: string
}

/** Starts one on loopback. */
export async function startTestCache(options: TestCacheOptions = {}): Promise<TestCache> {
  const { isCluster = false, accessString = 'on ~* +@all' } = options
  const folder = mkdtempSync(join(tmpdir(), 'test-cache-'))
  const [keyPath, caPath] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  const { key, cert: ca } = testCertificate() ?? { key: '', cert: '' }
  writeFileSync(keyPath, key)
  writeFileSync(caPath, ca)
  const tlsPort = await freePort()
  const tls = {
    'tls-port': String(tlsPort),
    'tls-auth-clients': 'no',
    'tls-key-file': keyPath,
    'tls-cert-file': caPath,
    'tls-ca-cert-file': caPath,
  }
  const settings = { ...tls, ...(isCluster ? await clusterSettings() : {}) }
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value])
  const redis = await startTestRedis({ args })
  const ask = (...command: readonly string[]): string => askRedis(redis.port, ...command)
  if (isCluster) await takeAllSlots(redis)
  ask('ACL', 'SETUSER', 'chat', ...accessString.split(' '))
  return {
    url: `rediss://localhost:${tlsPort}${isCluster ? '?cluster=true' : ''}`,
    ca,
    caPath,
    acceptOnly: (password) => void ask('ACL', 'SETUSER', 'chat', 'resetpass', `>${password}`),
    cut: () => void ask('CLIENT', 'KILL', 'USER', 'chat'),
    ask,
    [Symbol.asyncDispose]: async () => {
      await redis.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function clusterSettings(): Promise<Readonly<Record<string, string>>> {
  return {
    'cluster-enabled': 'yes',
    'cluster-config-file': 'nodes.conf',
    'cluster-port': String(await freePort()),
    'cluster-announce-hostname': 'localhost',
    'cluster-preferred-endpoint-type': 'hostname',
    // Who came by TLS is told the port of TLS.
    'tls-cluster': 'yes',
  }
}

async function takeAllSlots({ port }: TestRedis): Promise<void> {
  askRedis(port, 'CLUSTER', 'ADDSLOTSRANGE', '0', '16383')
  while (!askRedis(port, 'CLUSTER', 'INFO').includes('cluster_state:ok')) await delay(50)
}
