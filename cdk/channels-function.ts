import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib'
import { type ISecurityGroup, type IVpc, type SubnetSelection } from 'aws-cdk-lib/aws-ec2'
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import {
  Architecture,
  type CfnFunction,
  Function as LambdaFunction,
  type FunctionProps,
  RecursiveLoop,
  Runtime,
  Tracing,
} from 'aws-cdk-lib/aws-lambda'
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs'
import type { Construct } from 'constructs'
import { ConfigurationError } from '../shared/errors.ts'
import { INTEGRATION_TIMEOUT_MS } from '../shared/limits.ts'
import { requireWholeNumber } from '../shared/whole-number.ts'
import { BUNDLE_HANDLER, functionBundle } from './function-bundle.ts'
import { requireEnvironmentSize } from './function-environment.ts'
import { timeoutSeconds } from './function-timeout.ts'
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
   * How long one invocation may take: 10 to 900 whole seconds, and to 29 where API Gateway waits. The function keeps the
   * last 2.5 seconds for what has to go into queues.
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
    const {
      memorySize = 512,
      timeout = Duration.millis(INTEGRATION_TIMEOUT_MS),
      reservedConcurrentExecutions,
      network,
    } = props
    requireSize(id, { reservedConcurrentExecutions: 0, ...props, memorySize, timeout })
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
      environment: { ...nodeOptions(network), ...props.environment },
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
    // When all is known, also what was added since.
    this.node.addValidation({
      validate: () => {
        requireEnvironmentSize(this.node.defaultChild as CfnFunction)
        return []
      },
    })
    if (network) grantNetworkInterfaces(role)
    if (props.tracing) {
      acceptWildcard(role, '*', 'X-Ray has no resource to name: a trace is not one.')
    }
  }
}

/** Without a way out for IPv4, each new connection that tried that first would lose some 250 ms. */
function nodeOptions(network: FunctionNetwork | undefined): Readonly<Record<string, string>> {
  return network?.isDualStack ? { NODE_OPTIONS: '--dns-result-order=ipv6first' } : {}
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

/**
 * Lambda puts a function into a VPC with the rights of its role, and looks whether it may delete whatever interface there
 * is before it creates the function: a pattern of interfaces alone is refused.
 * https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html
 */
function grantNetworkInterfaces(role: Role): void {
  const { partition, region, account } = Stack.of(role)
  const anyInterface = `arn:${partition}:ec2:${region}:${account}:*/*`
  role.addToPolicy(
    new PolicyStatement({
      actions: [
        'ec2:CreateNetworkInterface',
        'ec2:DeleteNetworkInterface',
        'ec2:AssignPrivateIpAddresses',
        'ec2:UnassignPrivateIpAddresses',
      ],
      resources: [anyInterface],
    }),
  )
  role.addToPolicy(
    new PolicyStatement({
      actions: ['ec2:DescribeNetworkInterfaces', 'ec2:DescribeSubnets'],
      resources: ['*'],
    }),
  )
  acceptWildcard(
    role,
    anyInterface,
    'Lambda makes the network interfaces of a function itself, and creates no function that may not delete all of them.',
  )
  acceptWildcard(role, '*', 'ec2:Describe… knows no resources.')
}

function requireSize(
  id: string,
  { memorySize, timeout, reservedConcurrentExecutions }: Required<FunctionSize>,
): void {
  requireWholeNumber(memorySize, `the memorySize of the function ${id}, in MB,`, { least: 128, most: 10_240 })
  requireWholeNumber(reservedConcurrentExecutions, `reservedConcurrentExecutions of the function ${id}`, {
    least: 0,
  })
  const seconds = timeoutSeconds(timeout, `the timeout of the function ${id}`)
  if (!Number.isInteger(seconds) || seconds < 10 || seconds > 900) {
    throw new ConfigurationError(
      `the timeout of the function ${id} is ${seconds} seconds: set it to 10 to 900, without fractions; less leaves no time beside the 2.5 seconds that are kept for queues`,
    )
  }
}
