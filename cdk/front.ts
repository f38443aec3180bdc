import { Duration, Stack } from 'aws-cdk-lib'
import type { IApi, WebSocketStage } from 'aws-cdk-lib/aws-apigatewayv2'
import {
  AllowedMethods,
  type BehaviorOptions,
  CacheCookieBehavior,
  CacheHeaderBehavior,
  CachePolicy,
  CacheQueryStringBehavior,
  Distribution,
  Function as CloudFrontFunction,
  FunctionCode,
  FunctionEventType,
  FunctionRuntime,
  HttpVersion,
  OriginProtocolPolicy,
  OriginRequestPolicy,
  OriginSslPolicy,
  PriceClass,
  SecurityPolicyProtocol,
  ViewerProtocolPolicy,
} from 'aws-cdk-lib/aws-cloudfront'
import { HttpOrigin, type HttpOriginProps } from 'aws-cdk-lib/aws-cloudfront-origins'
import { CloudFrontTarget } from 'aws-cdk-lib/aws-route53-targets'
import { Construct } from 'constructs'
import { CustomDomain, type DomainNameOptions } from './custom-domain.ts'
import { type FrontOptions, requireFrontOptions, SOCKET_PATHS } from './front-options.ts'
import { FRONT_PATHS_CODE } from './front-paths.ts'
import { acceptFinding } from './nag-reasons.ts'

/** Options of {@link ChannelsFront}. */
export interface ChannelsFrontProps extends FrontOptions {
  /** Where sockets lead. */
  readonly stage: WebSocketStage
  /**
   * Where all else leads: the `$default` stage of an HTTP API.
   *
   * @default - nothing else is served
   */
  readonly httpApi?: IApi
  /**
   * A name of your own, for pages, HTTP and sockets.
   *
   * @default - `d….cloudfront.net`
   */
  readonly domainName?: DomainNameOptions
}

/**
 * One CloudFront distribution, and so one host, for pages, HTTP requests and sockets: `wss://{host}/ws/chat/lobby/` is a
 * Channels path, and a cookie that a view has set comes with the handshake.
 *
 * Both APIs stay reachable by their own hosts.
 */
export class ChannelsFront extends Construct {
  readonly distribution: Distribution
  /** The host of the pages: the name of your own, or CloudFront's. What `allowedHosts` has to name. */
  readonly host: string
  /** `https://{host}` */
  readonly url: string
  /** `wss://{host}` */
  readonly websocketUrl: string

  constructor(scope: Construct, id: string, props: ChannelsFrontProps) {
    super(scope, id)
    requireFrontOptions(props, { hasHttp: props.httpApi !== undefined })
    const { webAclId, logBucket, priceClass = PriceClass.PRICE_CLASS_ALL, domainName } = props
    const domain = domainName && new CustomDomain(this, 'Name', { ...domainName, shownBy: 'CloudFront' })
    this.distribution = new Distribution(this, 'Distribution', {
      ...this.#behaviors(props),
      httpVersion: HttpVersion.HTTP2_AND_3,
      priceClass,
      ...(domain && {
        domainNames: [domain.name],
        certificate: domain.certificate,
        minimumProtocolVersion: SecurityPolicyProtocol.TLS_V1_2_2021,
      }),
      ...(webAclId === undefined ? {} : { webAclId }),
      ...(logBucket && { enableLogging: true, logBucket }),
    })
    domain?.pointTo(new CloudFrontTarget(this.distribution), { ipv6: true })
    this.host = domain?.name ?? this.distribution.distributionDomainName
    this.url = `https://${this.host}`
    this.websocketUrl = `wss://${this.host}`
    this.#acceptFindings(props)
  }

  #behaviors(props: ChannelsFrontProps): {
    readonly defaultBehavior: BehaviorOptions
    readonly additionalBehaviors?: Record<string, BehaviorOptions>
  } {
    const { httpApi, socketPaths = SOCKET_PATHS, cachedPaths = [] } = props
    const sockets = this.#socketBehavior(props.stage)
    if (httpApi === undefined) return { defaultBehavior: sockets }
    const origin = new HttpOrigin(executeApiHost(httpApi), ORIGIN)
    const cached = cachedPaths.length === 0 ? undefined : this.#cachedBehavior(origin)
    return {
      defaultBehavior: {
        ...PASSED_ON,
        origin,
        allowedMethods: AllowedMethods.ALLOW_ALL,
        viewerProtocolPolicy: ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
      },
      additionalBehaviors: {
        ...Object.fromEntries(socketPaths.map((path) => [path, sockets])),
        ...(cached && Object.fromEntries(cachedPaths.map((path) => [path, cached]))),
      },
    }
  }

  #socketBehavior({ api, stageName }: WebSocketStage): BehaviorOptions {
    const paths = new CloudFrontFunction(this, 'Paths', {
      comment: 'A WebSocket API has no paths: the path becomes the query parameter "path"',
      code: FunctionCode.fromInline(FRONT_PATHS_CODE),
      runtime: FunctionRuntime.JS_2_0,
    })
    return {
      ...PASSED_ON,
      origin: new HttpOrigin(executeApiHost(api), { ...ORIGIN, originPath: `/${stageName}` }),
      allowedMethods: AllowedMethods.ALLOW_GET_HEAD,
      // A redirect means nothing to a WebSocket client.
      viewerProtocolPolicy: ViewerProtocolPolicy.HTTPS_ONLY,
      functionAssociations: [{ function: paths, eventType: FunctionEventType.VIEWER_REQUEST }],
    }
  }

  /**
   * AWS's own policies for this either put Host into the key, and so send it to the origin, which answers 403, or keep for a
   * day what says nothing.
   */
  #cachedBehavior(origin: HttpOrigin): BehaviorOptions {
    const cachePolicy = new CachePolicy(this, 'AsOriginSays', {
      comment: 'Kept as long as Cache-Control says, the same for everybody',
      minTtl: Duration.seconds(0),
      defaultTtl: Duration.seconds(0),
      maxTtl: Duration.days(365),
      queryStringBehavior: CacheQueryStringBehavior.all(),
      cookieBehavior: CacheCookieBehavior.none(),
      headerBehavior: CacheHeaderBehavior.none(),
      enableAcceptEncodingGzip: true,
      enableAcceptEncodingBrotli: true,
    })
    return {
      origin,
      cachePolicy,
      compress: true,
      allowedMethods: AllowedMethods.ALLOW_GET_HEAD,
      viewerProtocolPolicy: ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
    }
  }

  #acceptFindings({ webAclId, logBucket, domainName }: ChannelsFrontProps): void {
    const accept = (id: string, reason: string): void => acceptFinding(this.distribution, id, reason)
    accept(
      'AwsSolutions-CFR1',
      'The application is for every country; a web ACL can say otherwise (webAclId).',
    )
    if (webAclId === undefined) {
      accept(
        'AwsSolutions-CFR2',
        'A web ACL costs money each month and has rules of yours: webAclId takes one.',
      )
    }
    if (logBucket === undefined) {
      accept(
        'AwsSolutions-CFR3',
        'The stages of both APIs write access logs; those of CloudFront would hold the tokens in URLs. logBucket takes a bucket.',
      )
    }
    if (domainName === undefined) {
      accept(
        'AwsSolutions-CFR4',
        'CloudFront decides about TLS for its own names; with a domainName it is TLS 1.2.',
      )
    }
  }
}

/**
 * Everything goes to the origin and nothing is kept. All headers but Host, by which API Gateway knows its APIs: it answers
 * 403 to that of the distribution.
 */
const PASSED_ON = {
  cachePolicy: CachePolicy.CACHING_DISABLED,
  originRequestPolicy: OriginRequestPolicy.ALL_VIEWER_EXCEPT_HOST_HEADER,
  // CloudFront compresses only what it may keep.
  compress: false,
} as const

const ORIGIN = {
  protocolPolicy: OriginProtocolPolicy.HTTPS_ONLY,
  originSslProtocols: [OriginSslPolicy.TLS_V1_2],
} satisfies HttpOriginProps

/** An API's own host. It is the API's region that counts, not the front's. */
function executeApiHost(api: IApi): string {
  return `${api.apiId}.execute-api.${api.env.region}.${Stack.of(api).urlSuffix}`
}
