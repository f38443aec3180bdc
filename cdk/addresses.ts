import { Annotations } from 'aws-cdk-lib'
import type { Construct } from 'constructs'
import { ConfigurationError } from '../shared/errors.ts'
import type { DomainNameOptions } from './custom-domain.ts'
import { ChannelsFront } from './front.ts'
import type { FrontOptions } from './front-options.ts'
import type { HttpSide } from './http-side.ts'
import type { SocketApi } from './socket-api.ts'
import { SocketDomain } from './socket-domain.ts'

/** What decides where clients find an API. */
export interface AddressOptions {
  readonly front?: boolean | FrontOptions
  readonly domainName?: DomainNameOptions
  readonly emulatorEndpoint?: string
}

/** Where clients find an API. */
export interface Addresses {
  /** Where a handshake goes. Behind a front, paths are appended; elsewhere they are in the query parameter `path`. */
  readonly websocketUrl: string
  /** Where views are, if there are any. */
  readonly httpUrl: string | undefined
  /** The host of the pages. */
  readonly pageHost: string | undefined
  /** Whether pages and sockets have one origin. */
  readonly isOneOrigin: boolean
  readonly front: ChannelsFront | undefined
  readonly domain: SocketDomain | undefined
}

/**
 * Makes what clients reach the two APIs by: a front, a name of its own for the sockets, or nothing but API Gateway's hosts.
 *
 * @throws {@link ConfigurationError} if two of them contradict each other
 */
export function createAddresses(
  scope: Construct,
  { sockets, http }: { readonly sockets: SocketApi; readonly http: HttpSide | undefined },
  options: AddressOptions,
): Addresses {
  const { front, domainName, emulatorEndpoint } = options
  const httpUrl = http && `https://${http.host}`
  const pageHost = http?.host
  const direct = { front: undefined, domain: undefined, isOneOrigin: false, httpUrl, pageHost }
  if (emulatorEndpoint !== undefined) {
    warnOfLeftOut(scope, options)
    return { ...direct, ...atEmulator(requireOrigin(emulatorEndpoint), { sockets, http }) }
  }
  if (front) {
    const created = new ChannelsFront(scope, 'Front', {
      ...(front === true ? {} : front),
      stage: sockets.stage,
      ...(http ? { httpApi: http.api } : {}),
      ...(domainName ? { domainName } : {}),
    })
    const { url, host, websocketUrl } = created
    return {
      ...direct,
      front: created,
      websocketUrl,
      httpUrl: http && url,
      pageHost: host,
      isOneOrigin: true,
    }
  }
  if (domainName) {
    const domain = new SocketDomain(scope, 'Domain', { ...domainName, stage: sockets.stage })
    return { ...direct, domain, websocketUrl: domain.websocketUrl }
  }
  return { ...direct, websocketUrl: sockets.stage.url }
}

/** Emulators have no CloudFront before API Gateway, and no names. */
function warnOfLeftOut(scope: Construct, options: AddressOptions): void {
  for (const name of ['front', 'domainName'] as const) {
    if (!options[name]) continue
    Annotations.of(scope).addWarningV2(
      `lambda-channels:${name}`,
      `${name} is left out, because emulatorEndpoint is given: clients reach the APIs at the emulator`,
    )
  }
}

/** LocalStack and those like it serve every API below one address. */
function atEmulator(
  origin: string,
  { sockets, http }: { readonly sockets: SocketApi; readonly http: HttpSide | undefined },
): Pick<Addresses, 'websocketUrl' | 'httpUrl' | 'pageHost'> {
  const apis = `${origin}/_aws/execute-api`
  return {
    websocketUrl: `${apis.replace(/^http/, 'ws')}/${sockets.api.apiId}/${sockets.stage.stageName}`,
    httpUrl: http && `${apis}/${http.api.apiId}`,
    pageHost: new URL(origin).hostname,
  }
}

function requireOrigin(endpoint: string): string {
  if (/^https?:\/\//.test(endpoint) && URL.canParse(endpoint)) return new URL(endpoint).origin
  throw new ConfigurationError(
    `emulatorEndpoint is "${endpoint}": use the address of the emulator, such as http://localhost:4566, or leave it out to deploy to AWS`,
  )
}
