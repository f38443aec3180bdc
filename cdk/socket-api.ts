import { RemovalPolicy, Stack } from 'aws-cdk-lib'
import { AccessLogFormat } from 'aws-cdk-lib/aws-apigateway'
import {
  type CfnStage,
  type IpAddressType,
  LogGroupLogDestination,
  type IWebSocketRouteAuthorizer,
  WebSocketApi,
  WebSocketStage,
} from 'aws-cdk-lib/aws-apigatewayv2'
import { WebSocketLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations'
import { type IGrantable, PolicyStatement } from 'aws-cdk-lib/aws-iam'
import type { IFunction } from 'aws-cdk-lib/aws-lambda'
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs'
import { Construct } from 'constructs'
import { ConfigurationError } from '../shared/errors.ts'
import { requireWholeNumber } from '../shared/whole-number.ts'
import { apiGatewayLogAccount } from './api-gateway-log-account.ts'
import { apiNameOf } from './api-name.ts'
import { acceptFinding, acceptWildcard } from './nag-reasons.ts'

/** How many requests a stage takes: connects and frames of clients, together. Over it, API Gateway answers 429. */
export interface Throttle {
  /** Requests per second, as a mean. */
  readonly rateLimit: number
  /** Requests at once. */
  readonly burstLimit: number
}

/** Options of {@link SocketApi}. */
export interface SocketApiProps {
  readonly stageName: string
  readonly throttle: Throttle
  readonly logRetention: RetentionDays
  /** Which events API Gateway writes into the execution log. */
  readonly executionLogs: 'off' | 'error' | 'info'
  /** Whether the account gets a role for the logs of API Gateway. */
  readonly cloudWatchRole: boolean
  readonly routeSelectionExpression?: string
  readonly ipAddressType?: IpAddressType
}

/** What the access log has of each connect, frame and disconnect. API Gateway fills it in. */
const ACCESS_LOG_FIELDS = {
  requestTime: '$context.requestTime',
  eventType: '$context.eventType',
  routeKey: '$context.routeKey',
  status: '$context.status',
  connectionId: '$context.connectionId',
  requestId: '$context.requestId',
  sourceIp: '$context.identity.sourceIp',
  integrationStatus: '$context.integrationStatus',
  integrationLatency: '$context.integrationLatency',
  error: '$context.error.message',
  integrationError: '$context.integrationErrorMessage',
  authorizerError: '$context.authorizer.error',
} as const

/** The WebSocket API and its stage, with logs and limits. Routes are added to it. */
export class SocketApi extends Construct {
  readonly api: WebSocketApi
  readonly stage: WebSocketStage
  /** Where functions post to connections: API Gateway's own host, which stays right behind any domain. */
  readonly managementEndpoint: string

  constructor(scope: Construct, id: string, props: SocketApiProps) {
    super(scope, id)
    requireStageName(props.stageName)
    requireThrottle(props.throttle)
    const { stageName, ipAddressType, routeSelectionExpression = '$request.body.action' } = props
    this.api = new WebSocketApi(this, 'Api', {
      apiName: apiNameOf(this),
      routeSelectionExpression,
      ...(ipAddressType === undefined ? {} : { ipAddressType }),
    })
    this.stage = new WebSocketStage(this, 'Stage', {
      webSocketApi: this.api,
      stageName,
      autoDeploy: true,
      throttle: props.throttle,
      accessLogSettings: {
        destination: new LogGroupLogDestination(this.#logGroup('AccessLog', props)),
        format: AccessLogFormat.custom(JSON.stringify(ACCESS_LOG_FIELDS)),
      },
    })
    const stage = this.stage.node.defaultChild as CfnStage
    if (props.executionLogs !== 'off') {
      stage.addPropertyOverride('DefaultRouteSettings.LoggingLevel', props.executionLogs.toUpperCase())
      // API Gateway would make this group itself, and keep it for ever.
      stage.node.addDependency(
        this.#logGroup('ExecutionLog', props, `/aws/apigateway/${this.api.apiId}/${stageName}`),
      )
    }
    if (props.cloudWatchRole) stage.node.addDependency(apiGatewayLogAccount(this))
    const { region, urlSuffix } = Stack.of(this)
    this.managementEndpoint = `https://${this.api.apiId}.execute-api.${region}.${urlSuffix}/${stageName}`
  }

  /** Has `handler` serve `routeKey`. */
  addRoute(routeKey: string, handler: IFunction, authorizer?: IWebSocketRouteAuthorizer): void {
    const integration = new WebSocketLambdaIntegration(`${routeKey.replace('$', '')}Integration`, handler)
    const route = this.api.addRoute(routeKey, {
      integration,
      ...(authorizer === undefined ? {} : { authorizer }),
    })
    if (authorizer === undefined) {
      acceptFinding(
        route,
        'AwsSolutions-APIG4',
        routeKey === '$connect'
          ? 'The application decides in its connect(), by session, token, ticket or origin; an authorizer is an option.'
          : 'API Gateway asks an authorizer at $connect only.',
      )
    }
  }

  /** Lets `grantee` post to connections, look at them and close them. */
  grantManageConnections(grantee: IGrantable): void {
    const stack = Stack.of(this)
    const resources = METHODS.map((method) =>
      stack.formatArn({
        service: 'execute-api',
        resource: this.api.apiId,
        resourceName: `${this.stage.stageName}/${method}/@connections/*`,
      }),
    )
    grantee.grantPrincipal.addToPrincipalPolicy(
      new PolicyStatement({ actions: ['execute-api:ManageConnections'], resources }),
    )
    const principal = grantee.grantPrincipal
    if (!Construct.isConstruct(principal)) return
    for (const resource of resources) {
      acceptWildcard(
        principal,
        resource,
        'Every connection of this API and stage, for they are named only when they open.',
      )
    }
  }

  #logGroup(id: string, { logRetention }: SocketApiProps, logGroupName?: string): LogGroup {
    return new LogGroup(this, id, {
      retention: logRetention,
      removalPolicy: RemovalPolicy.DESTROY,
      ...(logGroupName === undefined ? {} : { logGroupName }),
    })
  }
}

const METHODS = ['POST', 'GET', 'DELETE']

function requireStageName(stageName: string): void {
  if (/^[A-Za-z0-9_-]{1,128}$/.test(stageName)) return
  throw new ConfigurationError(
    `stageName is "${stageName}": use 1 to 128 letters, digits, "-" and "_", for it is part of every URL, and sockets need a stage with a name`,
  )
}

function requireThrottle({ rateLimit, burstLimit }: Throttle): void {
  requireWholeNumber(rateLimit, 'throttle.rateLimit')
  requireWholeNumber(burstLimit, 'throttle.burstLimit')
}
