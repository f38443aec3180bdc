import { InvalidMessageError } from '../errors.ts'
import type { ResponseHead } from '../http-message.ts'

/** Cookies by name. It has no prototype: a name that the client did not send is `undefined`, whatever it is. */
export type Cookies = Readonly<Record<string, string>>

/** Attributes of a cookie. */
export interface CookieOptions {
  /** Seconds that the browser keeps it; without this and `expires` it goes when the browser is closed. */
  readonly maxAgeSeconds?: number
  readonly expires?: Date
  /** `/` by default. */
  readonly path?: string
  /** This host alone by default. */
  readonly domain?: string
  /** Only over https; false by default. */
  readonly secure?: boolean
  /** Hidden from scripts; false by default. */
  readonly httpOnly?: boolean
  /** `lax` by default; `none` only together with `secure`. */
  readonly sameSite?: 'strict' | 'lax' | 'none'
}

// As RFC 6265 has them: https://www.rfc-editor.org/rfc/rfc6265#section-4.1.1
const NAME = /^[!#$%&'*+\-.^_`|~0-9a-zA-Z]+$/
const DOMAIN = /^\.?[a-zA-Z0-9]([a-zA-Z0-9.-]*[a-zA-Z0-9])?$/
const PATH = /^\/[\x21-\x3a\x3c-\x7e]*$/
const SAME_SITE = { strict: 'Strict', lax: 'Lax', none: 'None' } as const

/** Name and value together; of more, browsers keep nothing. */
const MAX_BYTES = 4096

/**
 * The cookies in `cookie` headers, as a browser sends them. Never throws: what is no pair is left out.
 *
 * Of several cookies of one name the first counts, which is the one with the longest path. Values are %-decoded where they
 * can be, and as they stand where not; double quotes around a value are no part of it.
 */
export function parseCookies(headers: readonly string[]): Cookies {
  const cookies: Record<string, string> = Object.create(null)
  for (const [name, value] of pairsIn(headers)) if (!(name in cookies)) cookies[name] = value
  return cookies
}

/** The values of all cookies of this name, in the order in which they were sent. */
export function cookiesNamed(name: string, headers: readonly string[]): readonly string[] {
  return pairsIn(headers).flatMap(([known, value]) => (known === name ? [value] : []))
}

function pairsIn(headers: readonly string[]): readonly (readonly [name: string, value: string])[] {
  return headers
    .flatMap((header) => header.split(';'))
    .flatMap((pair) => {
      const equals = pair.indexOf('=')
      const name = trimmed(pair.slice(0, Math.max(equals, 0)))
      return name === '' ? [] : [[name, decoded(trimmed(pair.slice(equals + 1)))] as const]
    })
}

/**
 * The value of a `set-cookie` header.
 *
 * @throws {@link InvalidMessageError} for a name or an attribute that would break the header, or that browsers refuse
 * @example
 * ```ts
 * response.headers.append('set-cookie', serializeCookie('theme', 'dark', { maxAgeSeconds: 86_400 }))
 * ```
 */
export function serializeCookie(name: string, value: string, options: CookieOptions = {}): string {
  const { path = '/', domain, secure = false, httpOnly = false, sameSite = 'lax' } = options
  if (!NAME.test(name)) {
    throw new InvalidMessageError(
      `cookie name ${JSON.stringify(name)} cannot be sent: use letters, digits, "-" and "_"`,
    )
  }
  requireAttributes(name, { ...options, path, secure, sameSite })
  const attributes = [
    ...lifeAttributes(options),
    `Path=${path}`,
    ...(domain === undefined ? [] : [`Domain=${domain}`]),
    ...(secure ? ['Secure'] : []),
    ...(httpOnly ? ['HttpOnly'] : []),
    `SameSite=${SAME_SITE[sameSite]}`,
  ]
  return [pairOf(name, value), ...attributes].join('; ')
}

/**
 * A copy of a response's head with one cookie more, for the `respond` of a middleware.
 *
 * @throws {@link InvalidMessageError} for what {@link serializeCookie} refuses
 */
export function setCookie<Head extends ResponseHead>(
  head: Head,
  name: string,
  ...[value = '', options = {}]: [value?: string, options?: CookieOptions]
): Head {
  return { ...head, headers: [...head.headers, ['set-cookie', serializeCookie(name, value, options)]] }
}

/** A copy of a response's head with a cookie that the browser forgets. Path and domain are those that it was set with. */
export function deleteCookie<Head extends ResponseHead>(
  head: Head,
  name: string,
  options: CookieOptions = {},
): Head {
  return setCookie(head, name, '', { ...options, maxAgeSeconds: 0, expires: new Date(0) })
}

// Spaces and tabs only: trim() takes more, so that "\u2000sessionid" would pass for "sessionid".
function trimmed(text: string): string {
  return text.replace(/^[ \t]+|[ \t]+$/g, '')
}

function decoded(value: string): string {
  const isQuoted = value.length >= 2 && value.startsWith('"') && value.endsWith('"')
  const text = isQuoted ? value.slice(1, -1) : value
  if (!text.includes('%')) return text
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function pairOf(name: string, value: string): string {
  if (!value.isWellFormed()) {
    throw new InvalidMessageError(
      `cookie "${name}" has a value with half a character (a lone surrogate): send whole characters`,
    )
  }
  const pair = `${name}=${encodeURIComponent(value)}`
  if (pair.length <= MAX_BYTES) return pair
  throw new InvalidMessageError(
    `cookie "${name}" has ${pair.length} bytes, and browsers keep no more than ${MAX_BYTES}: keep the value in the session, or in a table of your own`,
  )
}

function lifeAttributes({ maxAgeSeconds, expires }: CookieOptions): readonly string[] {
  return [
    ...(maxAgeSeconds === undefined ? [] : [`Max-Age=${maxAgeSeconds}`]),
    ...(expires === undefined ? [] : [`Expires=${expires.toUTCString()}`]),
  ]
}

/** Throws for what would break the header, and for what browsers refuse without a word. */
function requireAttributes(name: string, options: CookieOptions): void {
  const { path = '/', domain, sameSite = 'lax' } = options
  if (!PATH.test(path)) {
    throw wrong(name, `path ${JSON.stringify(path)}`, 'it must begin with "/", and have no ";"')
  }
  if (domain !== undefined && !DOMAIN.test(domain))
    throw wrong(name, `domain ${JSON.stringify(domain)}`, 'it must be the name of a host')
  if (!Object.hasOwn(SAME_SITE, sameSite))
    throw wrong(name, `sameSite ${JSON.stringify(sameSite)}`, "use 'strict', 'lax' or 'none'")
  requireLife(name, options)
  requireAcceptable(name, options)
}

function requireLife(name: string, { maxAgeSeconds = 0, expires }: CookieOptions): void {
  if (!Number.isSafeInteger(maxAgeSeconds))
    throw wrong(name, `maxAgeSeconds ${maxAgeSeconds}`, 'use a whole number')
  if (Number.isNaN(expires?.getTime())) throw wrong(name, 'expires that is no date', 'use a valid Date')
}

function requireAcceptable(name: string, { secure, sameSite, path, domain }: CookieOptions): void {
  const needsSecure = sameSite === 'none' || /^__(?:Secure|Host)-/i.test(name)
  if (needsSecure && secure !== true) {
    throw new InvalidMessageError(
      `cookie "${name}" is not secure, and browsers refuse it without that ${sameSite === 'none' ? "for sameSite 'none'" : 'because of its name'}: set secure: true`,
    )
  }
  if (/^__Host-/i.test(name) && (path !== '/' || domain !== undefined)) {
    throw new InvalidMessageError(
      `cookie "${name}" has a path or a domain, and browsers refuse that because of its name: leave both out`,
    )
  }
}

function wrong(name: string, what: string, rule: string): InvalidMessageError {
  return new InvalidMessageError(`cookie "${name}" has ${what}: ${rule}`)
}
