import {
  type CfnApi,
  CfnIntegration,
  CfnIntegrationResponse,
  CfnRoute,
  CfnRouteResponse,
  type WebSocketApi,
} from 'aws-cdk-lib/aws-apigatewayv2'
import { Construct } from 'constructs'
import { ConfigurationError } from '../shared/errors.ts'
import { HEARTBEAT_FRAME, HEARTBEAT_SELECTION, HEARTBEAT_TYPE } from '../shared/heartbeat.ts'
import { acceptFinding } from './nag-reasons.ts'

/** Options of {@link HeartbeatRoute}. */
export interface HeartbeatRouteProps {
  /** The API that answers. Its `routeSelectionExpression` has to be `$request.body.type`. */
  readonly api: WebSocketApi
}

/** Which template: `$default`, the only one. The backslash tells it from a variable. */
const ONLY_TEMPLATE = String.raw`\$default`

/**
 * A route by which API Gateway itself answers the frame `{"type":"websocket.heartbeat"}` with the same frame: no function
 * runs, and the ten minutes after which it closes a silent connection begin anew.
 *
 * @throws {@link ConfigurationError} if the API selects routes by something else
 */
export class HeartbeatRoute extends Construct {
  constructor(scope: Construct, id: string, { api }: HeartbeatRouteProps) {
    super(scope, id)
    requireSelection(api)
    const { apiId } = api
    const integration = new CfnIntegration(this, 'Integration', {
      apiId,
      integrationType: 'MOCK',
      requestTemplates: { $default: '{"statusCode":200}' },
      templateSelectionExpression: ONLY_TEMPLATE,
    })
    const answer = new CfnIntegrationResponse(this, 'Answer', {
      apiId,
      integrationId: integration.ref,
      integrationResponseKey: '$default',
      responseTemplates: { $default: HEARTBEAT_FRAME },
      templateSelectionExpression: ONLY_TEMPLATE,
    })
    const route = new CfnRoute(this, 'Route', {
      apiId,
      routeKey: HEARTBEAT_TYPE,
      routeResponseSelectionExpression: '$default',
      target: `integrations/${integration.ref}`,
    })
    // A heartbeat must not come before there is an answer.
    route.addResourceDependency(answer)
    // Without it the answer stays in API Gateway.
    new CfnRouteResponse(this, 'RouteResponse', { apiId, routeId: route.ref, routeResponseKey: '$default' })
    acceptFinding(route, 'AwsSolutions-APIG4', 'API Gateway asks an authorizer at $connect only.')
  }
}

function requireSelection(api: WebSocketApi): void {
  const { routeSelectionExpression } = api.node.defaultChild as CfnApi
  if (routeSelectionExpression === HEARTBEAT_SELECTION) return
  throw new ConfigurationError(
    `the API ${api.node.id} selects routes by "${String(routeSelectionExpression)}", and a heartbeat is known by its "type": set its routeSelectionExpression to "${HEARTBEAT_SELECTION}", or leave the heartbeat out`,
  )
}
