import { App, Stack } from 'aws-cdk-lib'
import { Template } from 'aws-cdk-lib/assertions'
import { WebSocketApi } from 'aws-cdk-lib/aws-apigatewayv2'
import { expect, test } from 'vitest'
import { HeartbeatRoute } from '../../cdk/heartbeat-route.ts'
import { ConfigurationError } from '../../shared/errors.ts'
import { nagFindings } from '../support/nag-findings.ts'

function build(stack: Stack, routeSelectionExpression = '$request.body.type'): void {
  const api = new WebSocketApi(stack, 'Api', { routeSelectionExpression })
  new HeartbeatRoute(stack, 'Heartbeat', { api })
}

function templateOf(routeSelectionExpression?: string): Template {
  const stack = new Stack(new App(), 'Stack')
  build(stack, routeSelectionExpression)
  return Template.fromStack(stack)
}

test('a frame of type websocket.heartbeat is answered by API Gateway itself, with the same frame', () => {
  const template = templateOf()
  const [integration = 'none'] = Object.keys(template.findResources('AWS::ApiGatewayV2::Integration'))
  const [route = 'none'] = Object.keys(template.findResources('AWS::ApiGatewayV2::Route'))

  template.hasResourceProperties('AWS::ApiGatewayV2::Route', {
    RouteKey: 'websocket.heartbeat',
    RouteResponseSelectionExpression: '$default',
    Target: { 'Fn::Join': ['', ['integrations/', { Ref: integration }]] },
  })
  template.hasResourceProperties('AWS::ApiGatewayV2::Integration', {
    IntegrationType: 'MOCK',
    RequestTemplates: { $default: '{"statusCode":200}' },
    TemplateSelectionExpression: '\\$default',
  })
  template.hasResourceProperties('AWS::ApiGatewayV2::IntegrationResponse', {
    IntegrationId: { Ref: integration },
    IntegrationResponseKey: '$default',
    ResponseTemplates: { $default: '{"type":"websocket.heartbeat"}' },
    TemplateSelectionExpression: '\\$default',
  })
  template.hasResourceProperties('AWS::ApiGatewayV2::RouteResponse', {
    RouteId: { Ref: route },
    RouteResponseKey: '$default',
  })
})

test('no function belongs to it', () => {
  const template = templateOf()

  template.resourceCountIs('AWS::Lambda::Function', 0)
})

test('an API that selects routes by something else is refused, for the route would never be taken', () => {
  const other = (): Template => templateOf('$request.body.action')

  expect(other).toThrow(ConfigurationError)
  expect(other).toThrow(
    'the API Api selects routes by "$request.body.action", and a heartbeat is known by its "type": set its routeSelectionExpression to "$request.body.type"',
  )
})

test('cdk-nag finds nothing in it', () => {
  expect(nagFindings((stack) => build(stack))).toEqual([])
})
