import { App, Stack } from 'aws-cdk-lib'
import { Template } from 'aws-cdk-lib/assertions'
import { RetentionDays } from 'aws-cdk-lib/aws-logs'
import { expect, test } from 'vitest'
import { ChannelsFunction } from '../../cdk/channels-function.ts'
import { RedisNetwork } from '../../cdk/redis-network.ts'
import { nagFindings } from '../support/nag-findings.ts'

function addFunction(stack: Stack): void {
  const network = new RedisNetwork(stack, 'Network')
  new ChannelsFunction(stack, 'Function', {
    description: 'Answers',
    entry: 'functions/websocket.ts',
    environment: {},
    logRetention: RetentionDays.ONE_DAY,
    network,
  })
}

test('a function in a network may delete whatever interface there is: Lambda creates none that may not', () => {
  const stack = new Stack(new App({ context: { 'aws:cdk:bundling-stacks': [] } }), 'Stack', {
    env: { account: '111111111111', region: 'eu-west-1' },
  })
  addFunction(stack)

  const [policy] = Object.values(Template.fromStack(stack).findResources('AWS::IAM::Policy'))
  const statements: readonly unknown[] = policy?.['Properties'].PolicyDocument.Statement
  expect(statements.slice(1)).toEqual([
    {
      Effect: 'Allow',
      Action: [
        'ec2:CreateNetworkInterface',
        'ec2:DeleteNetworkInterface',
        'ec2:AssignPrivateIpAddresses',
        'ec2:UnassignPrivateIpAddresses',
      ],
      Resource: {
        'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, ':ec2:eu-west-1:111111111111:*/*']],
      },
    },
    { Effect: 'Allow', Action: ['ec2:DescribeNetworkInterfaces', 'ec2:DescribeSubnets'], Resource: '*' },
  ])
})

test.each([{}, { env: { account: '111111111111', region: 'eu-west-1' } }])(
  'cdk-nag finds nothing in it in a stack with %j',
  (props) => {
    expect(nagFindings(addFunction, props)).toEqual([])
  },
)
