import { ConfigurationError } from '../../errors.ts'

/** What the URL of a server says. */
export interface RedisUrl {
  readonly host: string
  readonly port: number | undefined
  readonly isCluster: boolean
  readonly isTls: boolean
  readonly database: number | undefined
  readonly username: string | undefined
  readonly password: string | undefined
}

/**
 * Reads `redis://user:password@host:6379/0`, `rediss:` for TLS, `?cluster=true` for a cluster.
 *
 * @throws {@link ConfigurationError} saying what is wrong with it, without its password
 */
export function readRedisUrl(text: string): RedisUrl {
  const url = requireUrl(text)
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? undefined : Number(url.port),
    isCluster: readIsCluster(url),
    isTls: url.protocol === 'rediss:',
    database: readDatabase(url),
    username: url.username === '' ? undefined : decodeURIComponent(url.username),
    password: url.password === '' ? undefined : decodeURIComponent(url.password),
  }
}

function requireUrl(text: string): URL {
  // What cannot be read is not shown: nobody knows where in it the password is.
  if (!URL.canParse(text)) throw badUrl('of the redis client', 'is no URL')
  const url = new URL(text)
  const isRedis = url.protocol === 'redis:' || url.protocol === 'rediss:'
  if (!isRedis) throw badUrl(shown(url), `begins with "${url.protocol}"`)
  if (url.hostname === '') throw badUrl(shown(url), 'has no host')
  return url
}

function readDatabase(url: URL): number | undefined {
  const digits = /^\/?(\d*)$/.exec(url.pathname)?.[1]
  if (digits !== undefined) return digits === '' ? undefined : Number(digits)
  throw badUrl(shown(url), `has "${url.pathname}" where the number of a database belongs`)
}

function readIsCluster(url: URL): boolean {
  for (const [name, value] of url.searchParams) {
    if (name === 'cluster' && value === 'true') continue
    throw badUrl(shown(url), `has "${name}", and nothing but "cluster=true" is known`)
  }
  return url.searchParams.has('cluster')
}

function shown({ protocol, host, pathname }: URL): string {
  return `"${protocol}//${host}${pathname}"`
}

function badUrl(name: string, problem: string): ConfigurationError {
  return new ConfigurationError(
    `url ${name} ${problem}: write redis://user:password@host:6379/0, rediss: for TLS, ?cluster=true for a cluster`,
  )
}
