import {
  ApiMapping,
  DomainName,
  EndpointType,
  SecurityPolicy,
  type WebSocketStage,
} from 'aws-cdk-lib/aws-apigatewayv2'
import { ApiGatewayv2DomainProperties } from 'aws-cdk-lib/aws-route53-targets'
import { Construct } from 'constructs'
import { CustomDomain, type DomainNameOptions } from './custom-domain.ts'

/** Options of {@link SocketDomain}. */
export interface SocketDomainProps extends DomainNameOptions {
  readonly stage: WebSocketStage
}

/**
 * A name of your own for a WebSocket API without a CloudFront front: `wss://{name}?path=/ws/chat/lobby/`.
 *
 * It is the sockets' alone. API Gateway lets no HTTP API share the name of a WebSocket API, so the pages have another
 * one, and cookies reach both only with a common parent; a front has one for all.
 */
export class SocketDomain extends Construct {
  /** The name. */
  readonly host: string
  /** `wss://{name}` */
  readonly websocketUrl: string
  /** What a record of yours has to lead to, if no hosted zone was given: a CNAME, or an alias. */
  readonly aliasTarget: string

  constructor(scope: Construct, id: string, { stage, ...options }: SocketDomainProps) {
    super(scope, id)
    const domain = new CustomDomain(this, 'Name', { ...options, shownBy: 'API Gateway' })
    const domainName = new DomainName(this, 'Domain', {
      domainName: domain.name,
      certificate: domain.certificate,
      endpointType: EndpointType.REGIONAL,
      securityPolicy: SecurityPolicy.TLS_1_2,
    })
    // Without a key, so that the stage is at "/". Functions do not post to connections by this name: they would need its
    // key, which no event has, and calls by the API's own host and stage stay right whatever names there are.
    new ApiMapping(this, 'Mapping', { api: stage.api, stage, domainName })
    domain.pointTo(
      new ApiGatewayv2DomainProperties(domainName.regionalDomainName, domainName.regionalHostedZoneId),
      {
        // Clients come by IPv4, unless domain and API are both made dual-stack.
        ipv6: false,
      },
    )
    this.host = domain.name
    this.websocketUrl = `wss://${domain.name}`
    this.aliasTarget = domainName.regionalDomainName
  }
}
