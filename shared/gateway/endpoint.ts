import { ConfigurationError } from '../errors.ts'

const EXECUTE_API_HOST = /\.execute-api\.([a-z0-9-]+)\.(?:amazonaws\.com(?:\.cn)?|api\.aws)$/
const LOOPBACK_HOST = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/
const LOOPBACK_REGION = 'us-east-1'
const EXAMPLE = 'https://abc.execute-api.eu-west-1.amazonaws.com/prod'

/** Where `@connections` is. */
export interface Endpoint {
  readonly url: URL
  /** The path in front of `@connections`, encoded: the stage, or a custom domain's mapping key. */
  readonly segments: readonly string[]
  readonly region: string
}

/**
 * Reads the address of an API's stage; the region comes from the host unless it is given.
 *
 * @throws {@link ConfigurationError} if it is not an http or https URL without query, or the region is not known
 */
export function parseEndpoint(endpoint: string, region?: string): Endpoint {
  const url = URL.parse(endpoint)
  if (!url || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    throw new ConfigurationError(
      `endpoint ${JSON.stringify(endpoint)} is not an http or https URL: use one like ${EXAMPLE}`,
    )
  }
  if (url.search !== '' || url.hash !== '' || url.username !== '' || url.password !== '') {
    // Not quoted: what stands there may be a password.
    throw new ConfigurationError(
      `endpoint at ${url.host} has a query, a fragment or a user: use one like ${EXAMPLE}`,
    )
  }
  return {
    url,
    segments: url.pathname.split('/').filter((segment) => segment !== ''),
    region: region ?? regionOf(url),
  }
}

function regionOf(url: URL): string {
  const region = EXECUTE_API_HOST.exec(url.hostname)?.[1]
  if (region !== undefined) return region
  if (LOOPBACK_HOST.test(url.hostname)) return LOOPBACK_REGION
  throw new ConfigurationError(
    `endpoint host ${JSON.stringify(url.hostname)} does not name its region: pass region, such as 'eu-west-1'`,
  )
}
