import { ConfigurationError } from '../errors.ts'

/** Says whether a handshake with this `Origin` header is allowed; `undefined` is one without. */
export type OriginMatcher = (origin: string | undefined) => boolean

interface Origin {
  readonly scheme: string
  readonly host: string
  /** The one that counts: the scheme's own where none is written. Schemes of apps have none. */
  readonly port: number | undefined
}

// What a browser writes: ASCII, https://html.spec.whatwg.org/multipage/browsers.html#ascii-serialisation-of-an-origin
const ORIGIN = /^([a-z][a-z0-9+.-]*):\/\/([a-z0-9._-]+|\[[0-9a-f:.]+\])(?::([0-9]{1,5}))?$/i
// What a developer writes: the scheme may be left out, and the host may have any letters.
const PATTERN =
  /^(?:([a-z][a-z0-9+.-]*):\/\/)?(\.?)([^\s./:?#@[\]\\%*][^\s/:?#@[\]\\%*]*|\[[0-9a-f:.]+\])(?::([0-9]{1,5}))?$/i

const DEFAULT_PORTS: ReadonlyMap<string, number> = new Map([
  ['http', 80],
  ['ws', 80],
  ['https', 443],
  ['wss', 443],
])

const IPV4 = /^[0-9.]+$/

const ANY = '*'
/** What browsers send for a page without an origin: a sandboxed frame, a file, a redirect across sites. */
const OPAQUE = 'null'

/**
 * What matches if one of these patterns does. `https://chat.example:8443` is exactly that origin, the scheme's own port
 * where none is written; `chat.example` is that host with any scheme and port, `chat.example:8443` with any scheme.
 * A host with a leading dot is the domain with all its subdomains. `*` is every origin and none at all, and `null`
 * is the origin of pages that have none. Any other handshake without an origin, and one that is malformed, matches nothing.
 *
 * @throws {@link ConfigurationError} with the first pattern that is none of these
 */
export function originMatcher(patterns: readonly string[]): OriginMatcher {
  const matchers = patterns.map((pattern) => compile(pattern))
  return (text) => {
    const origin = text === undefined ? undefined : readOrigin(text)
    return matchers.some((matches) => matches(text, origin))
  }
}

type PatternMatcher = (text: string | undefined, origin: Origin | undefined) => boolean

/** What an origin has to have; what is not there may be anything. */
interface Pattern {
  readonly scheme: string | undefined
  readonly host: string
  readonly port: number | undefined
  readonly hasSubdomains: boolean
}

function compile(text: string): PatternMatcher {
  if (text === ANY) return () => true
  if (text === OPAQUE) return (sent) => sent === OPAQUE
  const pattern = readPattern(text)
  if (pattern === undefined) throw badPattern(text)
  return (_sent, origin) => origin !== undefined && fits(pattern, origin)
}

function readPattern(text: string): Pattern | undefined {
  const [, scheme, dot, written = '', port] = PATTERN.exec(text) ?? []
  const host = hostOfPattern(written)
  if (host === undefined || !isPort(port)) return undefined
  const hasSubdomains = dot === '.'
  if (hasSubdomains && isAddress(host)) return undefined
  return { scheme: scheme?.toLowerCase(), host, port: effectivePort(scheme, port), hasSubdomains }
}

function hostOfPattern(written: string): string | undefined {
  const host = canonicalHost(written)
  // "3000" would be the address 0.0.11.184.
  return host !== undefined && IPV4.test(host) && host !== written ? undefined : host
}

function fits({ scheme, host, port, hasSubdomains }: Pattern, origin: Origin): boolean {
  const isPortFree = scheme === undefined && port === undefined
  if (!isPortFree && origin.port !== port) return false
  if (scheme !== undefined && origin.scheme !== scheme) return false
  return origin.host === host || (hasSubdomains && origin.host.endsWith(`.${host}`))
}

/** `undefined` for anything that no browser would send. */
function readOrigin(text: string): Origin | undefined {
  const [, scheme = '', written = '', port] = ORIGIN.exec(text) ?? []
  const host = canonicalHost(written)
  // A browser writes the one spelling itself.
  if (host === undefined || host !== written.toLowerCase() || !isPort(port)) return undefined
  return { scheme: scheme.toLowerCase(), host, port: effectivePort(scheme, port) }
}

/** One spelling for each host: lower case, punycode, the shortest form of an IP address. */
function canonicalHost(host: string): string | undefined {
  return host === '' ? undefined : URL.parse(`http://${host}/`)?.hostname
}

function effectivePort(scheme: string | undefined, port: string | undefined): number | undefined {
  if (port !== undefined) return Number(port)
  return scheme === undefined ? undefined : DEFAULT_PORTS.get(scheme.toLowerCase())
}

function isPort(port: string | undefined): boolean {
  return port === undefined || Number(port) <= 65_535
}

function isAddress(host: string): boolean {
  return host.startsWith('[') || IPV4.test(host)
}

function badPattern(pattern: unknown): ConfigurationError {
  const shown = typeof pattern === 'string' ? JSON.stringify(pattern) : `of type ${typeof pattern}`
  return new ConfigurationError(
    `origin pattern ${shown} matches no origin${hint(pattern)}: use "https://chat.example", "http://localhost:3000", "chat.example", "localhost:3000", ".example.com" for a domain and all its subdomains, "null", or "*" for any origin`,
  )
}

function hint(pattern: unknown): string {
  if (typeof pattern !== 'string') return ''
  if (pattern.includes('*')) return ', for "*" stands alone or not at all'
  if (/:[0-9]{5,}$/.test(pattern)) return ', for a port is 65535 at most'
  if (/[/?#]/.test(pattern.replace(/^[^/]*:\/\//, ''))) return ', for an origin ends with its host and port'
  return ''
}
