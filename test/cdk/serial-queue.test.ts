import { App, Duration, Stack } from 'aws-cdk-lib'
import { Match, Template } from 'aws-cdk-lib/assertions'
import { WebSocketApi } from 'aws-cdk-lib/aws-apigatewayv2'
import { Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda'
import { describe, expect, test } from 'vitest'
import { SerialQueue, type SerialQueueOptions } from '../../cdk/serial-queue.ts'
import { sendMessageTemplate } from '../../cdk/serial-template.ts'
import { ConfigurationError } from '../../shared/errors.ts'
import { nagFindings } from '../support/nag-findings.ts'

function build(stack: Stack, options: SerialQueueOptions = {}): SerialQueue {
  const reader = new LambdaFunction(stack, 'Reader', {
    runtime: Runtime.NODEJS_24_X,
    handler: 'index.handler',
    code: Code.fromInline('export const handler = async () => {}'),
  })
  const api = new WebSocketApi(stack, 'Api')
  return new SerialQueue(stack, 'Serial', { api, reader, longest: Duration.seconds(30), ...options })
}

function templateOf(options: SerialQueueOptions = {}): Template {
  const stack = new Stack(new App(), 'Stack')
  build(stack, options)
  return Template.fromStack(stack)
}

function idOf(template: Template, type: string, properties: object): string {
  const [id = 'none', ...others] = Object.keys(template.findResources(type, { Properties: properties }))
  expect(others).toEqual([])
  return id
}

test('takes options for who reads it', () => {
  const template = templateOf({
    batchSize: 1,
    maxConcurrency: 50,
    maxReceiveCount: 3,
    visibilityTimeout: Duration.seconds(60),
  })

  template.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
    BatchSize: 1,
    ScalingConfig: { MaximumConcurrency: 50 },
  })
  template.hasResourceProperties('AWS::SQS::Queue', {
    VisibilityTimeout: 60,
    RedrivePolicy: { maxReceiveCount: 3 },
  })
})

describe('the queue', () => {
  const template = templateOf()

  test('is a FIFO queue whose order and limits are by connection, encrypted, with dead letters', () => {
    template.hasResourceProperties('AWS::SQS::Queue', {
      FifoQueue: true,
      ContentBasedDeduplication: Match.absent(),
      DeduplicationScope: 'messageGroup',
      FifoThroughputLimit: 'perMessageGroupId',
      SqsManagedSseEnabled: true,
      VisibilityTimeout: 180,
      QueueName: Match.absent(),
      // A batch of ten, of which each hand-out may get no more than the first one done.
      RedrivePolicy: { maxReceiveCount: 15 },
    })
    template.resourceCountIs('AWS::SQS::Queue', 2)
    template.allResourcesProperties('AWS::SQS::Queue', { FifoQueue: true, SqsManagedSseEnabled: true })
    template.hasResourceProperties('AWS::SQS::Queue', { MessageRetentionPeriod: 1_209_600 })
  })

  test('refuses what comes without TLS', () => {
    template.resourceCountIs('AWS::SQS::QueuePolicy', 2)
    template.allResourcesProperties('AWS::SQS::QueuePolicy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
        ]),
      },
    })
  })

  test('is read in batches of ten, of which each message fails alone', () => {
    template.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
      BatchSize: 10,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      ScalingConfig: Match.absent(),
    })
  })

  test.each<[SerialQueueOptions, RegExp]>([
    [{ batchSize: 11 }, /batchSize.*11/],
    [{ maxConcurrency: 1 }, /maxConcurrency.*1/],
    [{ maxReceiveCount: 0 }, /maxReceiveCount.*0/],
    [
      { visibilityTimeout: Duration.seconds(29) },
      /29 seconds: set it to at least the 30 seconds that the function/,
    ],
    [{ visibilityTimeout: Duration.hours(13) }, /46800 seconds.*at most 12 hours/],
  ])('refuses %j', (options, message) => {
    expect(() => templateOf(options)).toThrow(ConfigurationError)
    expect(() => templateOf(options)).toThrow(message)
  })
})

describe('the routes', () => {
  const template = templateOf()
  const integration = idOf(template, 'AWS::ApiGatewayV2::Integration', { IntegrationType: 'AWS' })

  test.each(['$default', '$disconnect'])(
    '%s leads into the queue, and answers the client nothing',
    (RouteKey) => {
      template.hasResourceProperties('AWS::ApiGatewayV2::Route', {
        RouteKey,
        Target: { 'Fn::Join': ['', ['integrations/', { Ref: integration }]] },
        RouteResponseSelectionExpression: Match.absent(),
      })
    },
  )

  test('API Gateway calls SendMessage with the template, and passes nothing else through', () => {
    const queue = idOf(template, 'AWS::SQS::Queue', { FifoThroughputLimit: 'perMessageGroupId' })

    template.hasResourceProperties('AWS::ApiGatewayV2::Integration', {
      IntegrationMethod: 'POST',
      IntegrationUri: {
        'Fn::Join': [
          '',
          [
            'arn:',
            { Ref: 'AWS::Partition' },
            ':apigateway:',
            { Ref: 'AWS::Region' },
            ':sqs:path/',
            { Ref: 'AWS::AccountId' },
            '/',
            { 'Fn::GetAtt': [queue, 'QueueName'] },
          ],
        ],
      },
      PassthroughBehavior: 'NEVER',
      RequestParameters: {
        'integration.request.header.Content-Type': "'application/x-www-form-urlencoded'",
      },
      RequestTemplates: { $default: sendMessageTemplate() },
      TemplateSelectionExpression: '\\$default',
    })
  })

  test('its role may send to this queue, and do nothing else', () => {
    const queue = idOf(template, 'AWS::SQS::Queue', { FifoThroughputLimit: 'perMessageGroupId' })
    const role = idOf(template, 'AWS::IAM::Role', { Description: Match.stringLikeRegexp('API Gateway') })

    template.hasResourceProperties('AWS::IAM::Policy', {
      Roles: [{ Ref: role }],
      PolicyDocument: {
        Statement: [
          { Action: 'sqs:SendMessage', Effect: 'Allow', Resource: { 'Fn::GetAtt': [queue, 'Arn'] } },
        ],
      },
    })
    template.hasResourceProperties('AWS::ApiGatewayV2::Integration', {
      CredentialsArn: { 'Fn::GetAtt': [role, 'Arn'] },
    })
  })
})

test('cdk-nag finds nothing in it', () => {
  const own = nagFindings((stack) => void build(stack)).filter((finding) => !/Stack\/Reader/.test(finding))

  expect(own).toEqual([])
})
