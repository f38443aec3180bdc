import type { Variables } from './variables.ts'

/** AWS's own address of a WebSocket API: `https://{apiId}.execute-api.{region}.amazonaws.com/{stage}`. */
const AT_AWS = /^https:\/\/([a-z0-9]+)\.execute-api\.[^/]+\/([^/]+)\/?$/

/**
 * Where `@connections` is, in an environment that may send what is for AWS elsewhere, as `AWS_ENDPOINT_URL…` does for
 * AWS's SDKs. An emulator's one address serves many APIs, each under `/_aws/execute-api/{apiId}/{stage}`.
 *
 * @param configured - the address that we were told; one that is not AWS's is taken as it is
 */
export function managementEndpointIn(env: Variables, configured: string | undefined): string | undefined {
  const ofService = env['AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI'] || undefined
  const atAws = AT_AWS.exec(configured ?? '')
  if (!atAws) return configured || ofService
  const everything = env['AWS_ENDPOINT_URL'] || undefined
  const [, apiId, stage] = atAws
  return (
    ofService ??
    (everything && `${withoutSlash(everything)}/_aws/execute-api/${apiId}/${stage}`) ??
    configured
  )
}

function withoutSlash(url: string): string {
  return url.endsWith('/') ? url.slice(0, -1) : url
}
