import type { IncomingMessage } from 'node:http'

/**
 * Whether a browser sends this for a page. What stands in for AWS here checks no signature, and any page that is open in a
 * browser of this machine reaches it; no SDK sends these headers, and no page can leave out both.
 *
 * Source: https://fetch.spec.whatwg.org/#origin-header, https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header
 */
export function isFromPage({ headers }: IncomingMessage): boolean {
  return headers.origin !== undefined || headers['sec-fetch-site'] !== undefined
}
