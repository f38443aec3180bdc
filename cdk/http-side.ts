import { RemovalPolicy, Stack } from 'aws-cdk-lib'
import { AccessLogFormat } from 'aws-cdk-lib/aws-apigateway'
import {
  HttpApi,
  HttpRoute,
  HttpRouteKey,
  HttpStage,
  LogGroupLogDestination,
} from 'aws-cdk-lib/aws-apigatewayv2'
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations'
import type { IFunction } from 'aws-cdk-lib/aws-lambda'
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs'
import { Construct } from 'constructs'
import { apiNameOf } from './api-name.ts'
import { acceptFinding } from './nag-reasons.ts'
import type { Throttle } from './socket-api.ts'

/** Options of {@link HttpSide}. */
export interface HttpSideProps {
  readonly throttle: Throttle
  readonly logRetention: RetentionDays
}

const ACCESS_LOG_FIELDS = {
  requestTime: '$context.requestTime',
  httpMethod: '$context.httpMethod',
  path: '$context.path',
  status: '$context.status',
  requestId: '$context.requestId',
  sourceIp: '$context.identity.sourceIp',
  responseLength: '$context.responseLength',
  integrationLatency: '$context.integrationLatency',
  error: '$context.error.message',
  integrationError: '$context.integrationErrorMessage',
} as const

/** The HTTP API for the application's views: every method and path leads to one function. */
export class HttpSide extends Construct {
  readonly api: HttpApi
  readonly stage: HttpStage
  /** `{apiId}.execute-api.{region}.amazonaws.com` */
  readonly host: string

  constructor(scope: Construct, id: string, { throttle, logRetention }: HttpSideProps) {
    super(scope, id)
    this.api = new HttpApi(this, 'Api', { apiName: apiNameOf(this), createDefaultStage: false })
    this.stage = new HttpStage(this, 'Stage', {
      httpApi: this.api,
      stageName: '$default',
      autoDeploy: true,
      throttle,
      accessLogSettings: {
        destination: new LogGroupLogDestination(
          new LogGroup(this, 'AccessLog', {
            // Of other groups API Gateway writes each into a policy of the account, which takes some thirty and forgets none.
            logGroupName: `/aws/vendedlogs/apigateway/${apiNameOf(this)}-${this.api.apiId}`,
            retention: logRetention,
            removalPolicy: RemovalPolicy.DESTROY,
          }),
        ),
        format: AccessLogFormat.custom(JSON.stringify(ACCESS_LOG_FIELDS)),
      },
    })
    const { region, urlSuffix } = Stack.of(this)
    this.host = `${this.api.apiId}.execute-api.${region}.${urlSuffix}`
  }

  /** Has `handler` serve everything. */
  serve(handler: IFunction): void {
    const route = new HttpRoute(this, 'Route', {
      httpApi: this.api,
      routeKey: HttpRouteKey.DEFAULT,
      integration: new HttpLambdaIntegration('Integration', handler),
    })
    acceptFinding(route, 'AwsSolutions-APIG4', 'The application’s middleware decides who may do what.')
  }
}
