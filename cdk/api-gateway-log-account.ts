import { RemovalPolicy, Stack } from 'aws-cdk-lib'
import { CfnAccount } from 'aws-cdk-lib/aws-apigateway'
import { ManagedPolicy, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { Construct, type IConstruct } from 'constructs'
import { acceptFinding } from './nag-reasons.ts'

const ID = 'ApiGatewayLogs'

/**
 * Gives the account the role without which API Gateway refuses to log for WebSocket APIs. There is one per account and
 * region, and so at most one per stack. It stays when the stack goes, for other APIs may have come to need it.
 */
export function apiGatewayLogAccount(scope: Construct): IConstruct {
  const stack = Stack.of(scope)
  return stack.node.tryFindChild(ID) ?? create(stack)
}

function create(stack: Stack): Construct {
  const logs = new Construct(stack, ID)
  const role = new Role(logs, 'Role', {
    assumedBy: new ServicePrincipal('apigateway.amazonaws.com'),
    managedPolicies: [
      ManagedPolicy.fromAwsManagedPolicyName('service-role/AmazonAPIGatewayPushToCloudWatchLogs'),
    ],
  })
  role.applyRemovalPolicy(RemovalPolicy.RETAIN)
  acceptFinding(
    role,
    'AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs]',
    'The role is of the account, for all its APIs, and this is the policy that AWS made for it.',
  )
  const account = new CfnAccount(logs, 'Account', { cloudWatchRoleArn: role.roleArn })
  account.applyRemovalPolicy(RemovalPolicy.RETAIN)
  return logs
}
