import { Token } from 'aws-cdk-lib'
import { ConfigurationError } from '../shared/errors.ts'
import { INTEGRATION_TIMEOUT_MS } from '../shared/limits.ts'
import { originMatcher } from '../shared/security/origin-pattern.ts'
import type { AuthorizerOptions, ChannelsApiProps } from './channels-api-props.ts'
import { requireChoice } from './choices.ts'
import { FUNCTION_NAMES, type FunctionName } from './function-entries.ts'
import { timeoutSeconds } from './function-timeout.ts'

/**
 * Checks what no part of a {@link ChannelsApi} looks at itself, and AWS or the functions would refuse only later, or ignore.
 *
 * @throws {@link ConfigurationError} for a prop that does not fit, with the value, the rule and what to do
 */
export function requireProps(props: ChannelsApiProps): void {
  requireShapes(props)
  requireChoice('layer', props.layer, ['dynamodb', 'redis'])
  requireChoice('ordering', props.ordering, ['parallel', 'serial'])
  requireChoice('logLevel', props.logLevel, ['debug', 'info', 'warn', 'error'])
  requireChoice('executionLogs', props.executionLogs, ['off', 'error', 'info'])
  requireNoTable(props)
  requireHosts(props.allowedHosts)
  if (props.authorizer) requireIdentitySource(props.authorizer)
  requireSizes(props.sizes)
  requireServiceName(props.serviceName)
}

type Shape = 'a function' | 'a list' | 'an object' | 'true or false'

const SWITCH: Prescription = { shapes: ['true or false'] }

interface Prescription {
  readonly shapes: readonly Shape[]
  readonly example?: string
}

/**
 * What context and JavaScript give in spite of types: the text "false" would switch a thing on, and a text in place of an
 * object or a list be taken apart into its letters.
 */
const SHAPES: Readonly<Partial<Record<keyof ChannelsApiProps, Prescription>>> = {
  application: { shapes: ['a function'], example: 'what ProtocolTypeRouter returns' },
  allowedHosts: { shapes: ['a list'], example: "['chat.example.com']" },
  assets: { shapes: ['an object'], example: "{ pages: 'pages' }" },
  authorizer: { shapes: ['an object'], example: "{ identitySource: ['route.request.querystring.token'] }" },
  cloudWatchRole: SWITCH,
  domainName: { shapes: ['an object'], example: "{ name: 'chat.example.com', hostedZone }" },
  environment: { shapes: ['an object'], example: "{ BACKEND: 'https://backend.example.com' }" },
  front: { shapes: ['true or false', 'an object'], example: "{ cachedPaths: ['/static/*'] }" },
  heartbeat: SWITCH,
  monitoring: { shapes: ['true or false', 'an object'], example: '{ alarmTopic }' },
  redis: { shapes: ['an object'], example: "{ prefix: 'chat' }" },
  serialQueue: { shapes: ['an object'], example: '{ batchSize: 1 }' },
  sizes: { shapes: ['an object'], example: '{ http: { memorySize: 1769 } }' },
  throttle: { shapes: ['an object'], example: '{ rateLimit: 1000, burstLimit: 2000 }' },
  tracing: SWITCH,
  workers: { shapes: ['a list'], example: "[{ channels: ['thumbnails-generate'] }]" },
}

function requireShapes(props: ChannelsApiProps): void {
  const given: Readonly<Record<string, unknown>> = { ...props, application: props.application ?? null }
  for (const [name, { shapes, example }] of Object.entries(SHAPES)) {
    const value = given[name]
    if (value === undefined || shapes.some((shape) => shape === shapeOf(value))) continue
    const such = example === undefined ? '' : `, such as ${example}`
    throw new ConfigurationError(`${name} is ${shown(value)}: use ${shapes.join(', or ')}${such}`)
  }
}

function shapeOf(value: unknown): Shape | undefined {
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'boolean') return 'true or false'
  if (typeof value === 'function') return 'a function'
  return typeof value === 'object' && value !== null ? 'an object' : undefined
}

function shown(value: unknown): string {
  if (value === null) return 'not there'
  const isShort = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
  return isShort ? JSON.stringify(value) : (shapeOf(value) ?? typeof value)
}

/** What is said of the table would go unheard without one. */
function requireNoTable(props: ChannelsApiProps): void {
  if (props.layer !== 'redis') return
  for (const name of ['tableName', 'encryptionKey', 'removalPolicy'] as const) {
    if (props[name] === undefined) continue
    const value = name === 'encryptionKey' ? 'given' : `"${props[name]}"`
    throw new ConfigurationError(
      `${name} is ${value}, and layer is "redis": it is of the table, which there is not; leave it out, or set layer to dynamodb`,
    )
  }
}

/** The functions would fail to start with what these are made into. */
function requireHosts(hosts: readonly string[] = []): void {
  for (const host of hosts) {
    if (Token.isUnresolved(host)) continue
    if (host.includes(',')) {
      throw new ConfigurationError(
        `allowedHosts has ${JSON.stringify(host)}: no host has a comma in it; give each host as one of the list`,
      )
    }
    try {
      originMatcher([host])
    } catch (error) {
      if (!(error instanceof ConfigurationError)) throw error
      throw new ConfigurationError(`allowedHosts: ${error.message}`, { cause: error })
    }
  }
}

/** https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/apis-apiid-authorizers.html, for WebSocket APIs. */
const IDENTITY_SOURCE = /^(?:route\.request\.(?:header|querystring)|stageVariables|context)\.[^\s,]+$/

function requireIdentitySource({ identitySource }: AuthorizerOptions): void {
  if (!Array.isArray(identitySource) || identitySource.length === 0) {
    throw new ConfigurationError(
      `authorizer.identitySource is ${JSON.stringify(identitySource)}: list what a handshake has to have, such as "route.request.querystring.token"; to ask about every one "route.request.header.Host", which all have`,
    )
  }
  for (const source of identitySource) {
    if (Token.isUnresolved(source) || IDENTITY_SOURCE.test(source)) continue
    throw new ConfigurationError(
      `authorizer.identitySource has ${JSON.stringify(source)}: use route.request.header.NAME, route.request.querystring.NAME, stageVariables.NAME or context.NAME`,
    )
  }
}

/** API Gateway waits for these. */
const WAITED_FOR: readonly string[] = ['websocket', 'http', 'authorizer'] satisfies readonly FunctionName[]
const LONGEST_WAIT = INTEGRATION_TIMEOUT_MS / 1000

function requireSizes(sizes: ChannelsApiProps['sizes'] = {}): void {
  for (const [name, size] of Object.entries(sizes)) {
    if (!FUNCTION_NAMES.some((each) => each === name)) {
      throw new ConfigurationError(
        `sizes has "${name}", which is none of the functions: use ${FUNCTION_NAMES.join(', ')}`,
      )
    }
    const timeout = size?.timeout
    const seconds = timeout === undefined ? 0 : timeoutSeconds(timeout, `sizes.${name}.timeout`)
    if (!WAITED_FOR.includes(name) || seconds <= LONGEST_WAIT) continue
    throw new ConfigurationError(
      `sizes.${name}.timeout is ${seconds} seconds: API Gateway waits for ${LONGEST_WAIT}, and would answer 504 while the function goes on; set it to ${LONGEST_WAIT} at most, and give what takes longer to a worker`,
    )
  }
}

/** It is the value of a dimension: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_Dimension.html */
function requireServiceName(serviceName: string | undefined): void {
  if (serviceName === undefined || Token.isUnresolved(serviceName)) return
  if (/^(?=.*\S)[\x20-\x7e]{1,255}$/.test(serviceName)) return
  throw new ConfigurationError(
    `serviceName is ${JSON.stringify(serviceName)}: use 1 to 255 characters of ASCII, not only spaces, for metrics are marked with it; or leave it out`,
  )
}
