import { CfnResource, Stack } from 'aws-cdk-lib'
import type { CfnFunction } from 'aws-cdk-lib/aws-lambda'
import { ConfigurationError } from '../shared/errors.ts'

type Environment = Readonly<Record<string, string>>

/** Lambda sets these itself: https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html */
const RESERVED: ReadonlySet<string> = new Set([
  'AWS_ACCESS_KEY',
  'AWS_ACCESS_KEY_ID',
  'AWS_DEFAULT_REGION',
  'AWS_EXECUTION_ENV',
  'AWS_LAMBDA_FUNCTION_MEMORY_SIZE',
  'AWS_LAMBDA_FUNCTION_NAME',
  'AWS_LAMBDA_FUNCTION_VERSION',
  'AWS_LAMBDA_INITIALIZATION_TYPE',
  'AWS_LAMBDA_LOG_GROUP_NAME',
  'AWS_LAMBDA_LOG_STREAM_NAME',
  'AWS_LAMBDA_RUNTIME_API',
  'AWS_REGION',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
  'LAMBDA_RUNTIME_DIR',
  'LAMBDA_TASK_ROOT',
])

/**
 * The variables that an API makes itself, and those of its prop `environment`.
 *
 * @throws {@link ConfigurationError} for a name that Lambda does not take, or that is made already
 */
export function mergeEnvironments(made: Environment, environment: Environment = {}): Environment {
  for (const name of Object.keys(environment)) requireFreeName(name, made)
  return { ...made, ...environment }
}

function requireFreeName(name: string, made: Environment): void {
  if (!/^[a-z][a-z0-9_]+$/i.test(name)) {
    throw new ConfigurationError(
      `environment has ${JSON.stringify(name)}: Lambda takes names of two or more letters, digits and "_", with a letter first`,
    )
  }
  if (RESERVED.has(name)) {
    throw new ConfigurationError(
      `environment has ${name}, which Lambda sets itself and does not let you set: use another name`,
    )
  }
  if (made[name] === undefined) return
  throw new ConfigurationError(
    `environment has ${name}, which follows from other props, such as layer, allowedHosts, logLevel and serviceName: set those, and take it out of environment`,
  )
}

/** Of all variables of a function: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
const MOST_BYTES = 4096

/**
 * Lambda measures names and values as one JSON object. What is known at the deployment only, such as the URL of a queue, is
 * estimated.
 *
 * @throws {@link ConfigurationError} if they are more than Lambda takes
 */
export function requireEnvironmentSize(target: CfnFunction): void {
  const stack = Stack.of(target)
  const { variables = {} } = (stack.resolve(target.environment) ?? {}) as {
    readonly variables?: Readonly<Record<string, unknown>>
  }
  const lengthOf = referenceLengths(stack)
  const sizes = Object.entries(variables)
    // Quotes, colon and comma.
    .map(([name, value]) => ({ name, bytes: bytesOf(name) + bytesOf(value, lengthOf) + 6 }))
    .toSorted((one, other) => other.bytes - one.bytes)
  const total = sizes.reduce((sum, { bytes }) => sum + bytes, 1)
  if (total <= MOST_BYTES) return
  const [largest] = sizes
  throw new ConfigurationError(
    `the environment variables of the function ${target.node.scope?.node.path} come to some ${total} bytes, ${largest?.name} alone to ${largest?.bytes}: Lambda takes ${MOST_BYTES} in all; use shorter names of channels and of the stack, fewer channels, or less in environment`,
  )
}

type LengthOf = (reference: string) => number

/** Of what is made when the stack is deployed, and is nowhere as long as a queue's URL. */
const TYPICAL = 40

/** The bytes of a resolved value in JSON, without its quotes. */
function bytesOf(value: unknown, lengthOf: LengthOf = () => TYPICAL): number {
  if (typeof value !== 'object' || value === null) {
    return Buffer.byteLength(JSON.stringify(String(value))) - 2
  }
  const { Ref: ref, 'Fn::Join': join } = value as Readonly<Record<string, unknown>>
  if (typeof ref === 'string') return lengthOf(ref)
  if (!Array.isArray(join) || !Array.isArray(join[1])) return TYPICAL
  const parts = join[1].map((part) => bytesOf(part, lengthOf))
  return parts.reduce((sum, bytes) => sum + bytes, bytesOf(join[0]) * (parts.length - 1))
}

/** The longest that there are, for what is not known before the deployment. */
const PSEUDO_PARAMETERS: Readonly<Record<string, number>> = {
  'AWS::AccountId': 12,
  'AWS::Partition': 10,
  'AWS::Region': 14,
  'AWS::URLSuffix': 16,
}

function referenceLengths(stack: Stack): LengthOf {
  const resources = stack.node.findAll().filter((each) => CfnResource.isCfnResource(each))
  const types = new Map(resources.map((each) => [stack.getLogicalId(each), each.cfnResourceType]))
  return (reference) =>
    PSEUDO_PARAMETERS[reference] ?? nameLength(`${stack.stackName}-${reference}`, types.get(reference))
}

/** CloudFormation makes a name of the stack's, the logical id, and letters that tell it from others. */
function nameLength(name: string, type: string | undefined): number {
  const made = name.length + '-XXXXXXXXXXXXX'.length
  if (type === 'AWS::SQS::Queue')
    return 'https://sqs..amazonaws.com/000000000000/'.length + 14 + Math.min(made, 80)
  return type === 'AWS::DynamoDB::Table' ? made : TYPICAL
}
