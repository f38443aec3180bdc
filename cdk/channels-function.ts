import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib'
import { type ISecurityGroup, type IVpc, type SubnetSelection } from 'aws-cdk-lib/aws-ec2'
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import {
  Architecture,
  Function as LambdaFunction,
  type FunctionProps,
  RecursiveLoop,
  Runtime,
  Tracing,
} from 'aws-cdk-lib/aws-lambda'
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs'
import type { Construct } from 'constructs'
import { ConfigurationError } from '../shared/errors.ts'
import { requireWholeNumber } from '../shared/whole-number.ts'
import { BUNDLE_HANDLER, functionBundle } from './function-bundle.ts'
import { acceptWildcard } from './nag-reasons.ts'

/** How large a function is. */
export interface FunctionSize {
  /**
   * Memory in MB, 128 to 10 240. CPU comes with it: a whole core at 1 769 MB.
   *
   * @default - 512; 1 024 for the delivery function
   */
  readonly memorySize?: number
  /**
   * How long one invocation may take. The function keeps the last 2.5 seconds for what has to go into queues.
   *
   * @default - 29 seconds, the most that API Gateway waits; 60 seconds where a queue invokes
   */
  readonly timeout?: Duration
  /**
   * How many run at the same time at most, taken from the account's limit.
   *
   * @default - what the account has
   */
  readonly reservedConcurrentExecutions?: number
}

/** The network that a function is in. */
export interface FunctionNetwork {
  readonly vpc: IVpc
  readonly vpcSubnets?: SubnetSelection
  readonly securityGroup: ISecurityGroup
  /** Whether calls may leave by IPv6. */
  readonly isDualStack?: boolean
}

/** Options of {@link ChannelsFunction}. */
export interface ChannelsFunctionProps extends FunctionSize {
  readonly description: string
  readonly entry: string
  readonly environment: Readonly<Record<string, string>>
  readonly assets?: Readonly<Record<string, string>>
  readonly logRetention: RetentionDays
  readonly tracing?: boolean
  readonly network?: FunctionNetwork
  /**
   * Whether messages that it puts into queues may invoke it again: Lambda would stop it after some 16 times.
   *
   * @default false
   */
  readonly isRecursive?: boolean
}

/** A Lambda function on Node 24 and arm64 whose role may write its own log, and nothing else until it is granted. */
export class ChannelsFunction extends LambdaFunction {
  /** Its longest invocation. */
  readonly longest: Duration

  constructor(scope: Construct, id: string, props: ChannelsFunctionProps) {
    const { memorySize = 512, timeout = Duration.seconds(29), reservedConcurrentExecutions, network } = props
    requireSize(id, memorySize, timeout)
    const logGroup = new LogGroup(scope, `${id}Log`, {
      retention: props.logRetention,
      removalPolicy: RemovalPolicy.DESTROY,
    })
    const role = new Role(scope, `${id}Role`, { assumedBy: new ServicePrincipal('lambda.amazonaws.com') })
    logGroup.grantWrite(role)
    super(scope, id, {
      description: props.description,
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      code: functionBundle({ entry: props.entry, assets: props.assets ?? {} }),
      handler: BUNDLE_HANDLER,
      environment: props.environment,
      memorySize,
      timeout,
      role,
      logGroup,
      ...(reservedConcurrentExecutions === undefined ? {} : { reservedConcurrentExecutions }),
      ...(props.tracing ? { tracing: Tracing.ACTIVE } : {}),
      ...networkProps(network),
      ...(props.isRecursive ? { recursiveLoop: RecursiveLoop.ALLOW } : {}),
    })
    this.longest = timeout
    if (network) grantNetworkInterfaces(role)
    if (props.tracing) {
      acceptWildcard(role, '*', 'X-Ray has no resource to name: a trace is not one.')
    }
  }
}

function networkProps(network: FunctionNetwork | undefined): Partial<FunctionProps> {
  if (network === undefined) return {}
  const { vpc, vpcSubnets, securityGroup, isDualStack = false } = network
  return {
    vpc,
    ...(vpcSubnets === undefined ? {} : { vpcSubnets }),
    securityGroups: [securityGroup],
    ipv6AllowedForDualStack: isDualStack,
  }
}

/** Lambda puts a function into a VPC with the rights of its role. */
function grantNetworkInterfaces(role: Role): void {
  const { partition, region, account } = Stack.of(role)
  const named = ['network-interface/*', 'subnet/*', 'security-group/*'].map(
    (resource) => `arn:${partition}:ec2:${region}:${account}:${resource}`,
  )
  role.addToPolicy(
    new PolicyStatement({
      actions: [
        'ec2:CreateNetworkInterface',
        'ec2:DeleteNetworkInterface',
        'ec2:AssignPrivateIpAddresses',
        'ec2:UnassignPrivateIpAddresses',
      ],
      resources: named,
    }),
  )
  role.addToPolicy(
    new PolicyStatement({
      actions: ['ec2:DescribeNetworkInterfaces', 'ec2:DescribeSubnets'],
      resources: ['*'],
    }),
  )
  const reason =
    'Lambda names the network interfaces of a function itself, and ec2:Describe… knows no resources.'
  for (const resource of [...named, '*']) acceptWildcard(role, resource, reason)
}

function requireSize(id: string, memorySize: number, timeout: Duration): void {
  requireWholeNumber(memorySize, `the memorySize of the function ${id}, in MB,`, { least: 128, most: 10_240 })
  const seconds = timeout.toSeconds({ integral: false })
  if (seconds < 10 || seconds > 900) {
    throw new ConfigurationError(
      `the timeout of the function ${id} is ${seconds} seconds: set it to 10 to 900; less leaves no time beside the 2.5 seconds that are kept for queues`,
    )
  }
}
