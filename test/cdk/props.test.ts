import { App, Duration, Lazy, RemovalPolicy, Stack } from 'aws-cdk-lib'
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions'
import { Key } from 'aws-cdk-lib/aws-kms'
import { describe, expect, test } from 'vitest'
import { ChannelsApi, type ChannelsApiProps, type FrontOptions } from '../../cdk/index.ts'
import { application } from '../../functions/application.ts'
import { ChannelNameRouter, type ChannelScope, ConfigurationError, Consumer } from '../../shared/index.ts'

/** Also what JavaScript, or the context of `cdk`, gives in spite of types. */
type Given = { readonly [Name in keyof ChannelsApiProps]?: unknown }
type Row = readonly [name: string, props: Given, message: string]

const newStack = (): Stack =>
  new Stack(new App({ context: { 'aws:cdk:bundling-stacks': [] } }), 'Chat', {
    env: { account: '111111111111', region: 'us-east-1' },
  })

function addApi(stack: Stack, props: Given): ChannelsApi {
  return new ChannelsApi(stack, 'Api', { application, functions: 'functions', ...props } as ChannelsApiProps)
}

function templateOf(props: Given): Template {
  const stack = newStack()
  addApi(stack, props)
  return Template.fromStack(stack)
}

/** Everything that goes wrong before something is deployed, whether at once or when the template is made. */
function failureOf(props: Given | ((stack: Stack) => Given)): unknown {
  const stack = newStack()
  try {
    addApi(stack, typeof props === 'function' ? props(stack) : props)
    Template.fromStack(stack)
    return undefined
  } catch (error) {
    return error
  }
}

function expectRefusal(props: Parameters<typeof failureOf>[0], message: string): void {
  const failure = failureOf(props)
  expect(failure).toBeInstanceOf(ConfigurationError)
  expect((failure as Error).message).toContain(message)
}

const source = (identitySource: unknown): Given => ({ authorizer: { identitySource } })
const paths = (count: number): FrontOptions => ({
  cachedPaths: Array.from({ length: count }, (_, index) => `/static/${index}/*`),
})
const seconds = (count: number) => ({ timeout: Duration.seconds(count) })

const shapes: readonly Row[] = [
  [
    'no application',
    { application: undefined },
    'application is not there: use a function, such as what Prot',
  ],
  ['a number as application', { application: 5 }, 'application is 5: use a function'],
  ['a module as application', { application: { application } }, 'application is an object: use a function'],
  ['a file as folder', { functions: 'package.json' }, 'functions is "package.json": there is no such folder'],
  [
    'a text as name',
    { domainName: 'chat.example' },
    'domainName is "chat.example": use an object, such as { name:',
  ],
  [
    'a text as hosts',
    { allowedHosts: 'a.example' },
    `allowedHosts is "a.example": use a list, such as ['chat.example.com']`,
  ],
  ['a list as sizes', { sizes: [] }, 'sizes is a list: use an object, such as { http:'],
  ['an object as workers', { workers: { channels: ['a'] } }, 'workers is an object: use a list, such as [{'],
  // As context on the command line has it.
  ['front as text', { front: 'false' }, 'front is "false": use true or false, or an object, such as {'],
  ['monitoring as text', { monitoring: 'false' }, 'monitoring is "false": use true or false, or an object'],
  ['heartbeat as text', { heartbeat: 'false' }, 'heartbeat is "false": use true or false'],
  ['tracing as text', { tracing: 'false' }, 'tracing is "false": use true or false'],
  ['cloudWatchRole as text', { cloudWatchRole: 'false' }, 'cloudWatchRole is "false": use true or false'],
]

const choices: readonly Row[] = [
  ['an unknown level', { logLevel: 'WARN' }, 'logLevel is "WARN": use debug, info, warn or error'],
  ['an unknown log', { executionLogs: 'debug' }, 'executionLogs is "debug": use off, error or info'],
]

const hosts: readonly Row[] = [
  [
    'a host with a path',
    { allowedHosts: ['https://x.example/'] },
    'allowedHosts: origin pattern "https://x.example/" matches no origin, for an origin ends with its host',
  ],
  ['a host with a space', { allowedHosts: ['a b'] }, 'allowedHosts: origin pattern "a b" matches no origin'],
  [
    'an empty host',
    { allowedHosts: ['ok.example', ''] },
    'allowedHosts: origin pattern "" matches no origin',
  ],
  [
    'hosts in one text',
    { allowedHosts: ['a.example,b.example'] },
    'has "a.example,b.example": no host has a comma',
  ],
]

const identitySources: readonly Row[] = [
  [
    'a bare source',
    source(['token']),
    'authorizer.identitySource has "token": use route.request.header.NAME, route.request.querystring.NAME',
  ],
  [
    'a source of HTTP APIs',
    source(['$request.querystring.token']),
    'has "$request.querystring.token": use route',
  ],
  ['no source', source([]), 'identitySource is []: list what a handshake has to have'],
  [
    'a source as text',
    source('route.request.querystring.token'),
    'is "route.request.querystring.token": list',
  ],
]

const environments: readonly Row[] = [
  ['a name with "-"', { environment: { 'A-B': '1' } }, 'environment has "A-B": Lambda takes names of two or'],
  [
    'a name of one letter',
    { environment: { A: '1' } },
    'environment has "A": Lambda takes names of two or more',
  ],
  ['a name of Lambda’s', { environment: { AWS_REGION: 'x' } }, 'has AWS_REGION, which Lambda sets itself'],
  [
    'the table',
    { environment: { CHANNELS_TABLE: 'x' } },
    'has CHANNELS_TABLE, which follows from other props',
  ],
  [
    'a prop',
    { environment: { CHANNELS_LOG_LEVEL: 'info' } },
    'has CHANNELS_LOG_LEVEL, which follows from other',
  ],
]

const assets: readonly Row[] = [
  ['an asset as code', { assets: { 'index.mjs': 'docs' } }, 'asset "index.mjs" would overwrite the code'],
  [
    'an asset in the map',
    { assets: { './index.mjs.map/x': 'docs' } },
    'index.mjs.map/x" would overwrite the code',
  ],
  ['an asset outside', { assets: { '../x': 'docs' } }, 'asset "../x" would be outside of the function'],
  ['an asset in the end outside', { assets: { 'a/../../x': 'docs' } }, 'x" would be outside of the function'],
  ['an asset at the root', { assets: { '/x': 'docs' } }, 'asset "/x" would be outside of the function'],
  ['an asset in place of all', { assets: { '.': 'docs' } }, 'asset "." would be outside of the function'],
  ['an asset without a name', { assets: { '': 'docs' } }, 'asset "" would be outside of the function'],
]

const numbers: readonly Row[] = [
  [
    'a websocket function that runs for longer than API Gateway waits',
    { sizes: { websocket: seconds(30) } },
    'sizes.websocket.timeout is 30 seconds: API Gateway waits for 29',
  ],
  [
    'such an http function',
    { sizes: { http: seconds(60) } },
    'sizes.http.timeout is 60 seconds: API Gateway',
  ],
  [
    'such an authorizer',
    { sizes: { authorizer: seconds(60) } },
    'sizes.authorizer.timeout is 60 seconds: API',
  ],
  [
    'half a second',
    { sizes: { http: seconds(10.5) } },
    'HttpFunction is 10.5 seconds: set it to 10 to 900, with',
  ],
  [
    'seconds as a number',
    { sizes: { http: { timeout: 29 } } },
    'sizes.http.timeout is 29: use a Duration of aws-cdk-lib, as in Duration.seconds(29)',
  ],
  [
    'such seconds of a worker',
    { workers: [{ channels: ['chat-announcements'], timeout: '60' }] },
    'the timeout of the function Function is "60": use a Duration of aws-cdk-lib',
  ],
  [
    'no such function',
    { sizes: { websockets: {} } },
    'sizes has "websockets", which is none of the functions: use',
  ],
  [
    'fewer than none',
    { sizes: { http: { reservedConcurrentExecutions: -1 } } },
    'reservedConcurrentExecutions of the function HttpFunction is -1: use a whole number from 0',
  ],
  [
    'a part of one',
    { sizes: { http: { reservedConcurrentExecutions: 1.5 } } },
    'reservedConcurrentExecutions of the function HttpFunction is 1.5: use a whole number from 0',
  ],
  [
    'no such threshold',
    { monitoring: { thresholds: { fanoutLag: 1 } } },
    'thresholds has "fanoutLag", which no alarm has: use fanOutLagMs, deliveryAgeSeconds',
  ],
  ['too many paths', { front: paths(74) }, 'are 75 together: CloudFront takes 74 at most'],
]

const names: readonly Row[] = [
  ['a short table', { tableName: 'a' }, 'tableName is "a": use 3 to 255 letters'],
  ['a table with a space', { tableName: 'a b' }, 'tableName is "a b": use 3 to 255 letters'],
  ['an empty service', { serviceName: '' }, 'serviceName is "": use 1 to 255 characters of ASCII'],
  ['a service of spaces', { serviceName: '  ' }, 'serviceName is "  ": use 1 to 255 characters of ASCII'],
  ['a service of other letters', { serviceName: 'Gespräch' }, 'serviceName is "Gespräch": use 1 to 255'],
]

describe('refused with the value, the rule and what to do:', () => {
  test.each([
    ...shapes,
    ...choices,
    ...hosts,
    ...identitySources,
    ...environments,
    ...assets,
    ...numbers,
    ...names,
  ])('%s', (_name, props, message) => {
    expectRefusal(props, message)
  })
})

describe('with layer: redis there is no table, so it is refused to', () => {
  test.each<readonly [string, (stack: Stack) => Given]>([
    ['tableName is "chat"', () => ({ tableName: 'chat' })],
    ['encryptionKey is given', (stack) => ({ encryptionKey: new Key(stack, 'Key') })],
    ['removalPolicy is "retain"', () => ({ removalPolicy: RemovalPolicy.RETAIN })],
  ])('say anything of it: %s', (message, props) => {
    expectRefusal(
      (stack) => ({ ...props(stack), layer: 'redis' }),
      `${message}, and layer is "redis": it is of`,
    )
  })
})

describe('taken:', () => {
  test.each<readonly [string, Given]>([
    [
      'hosts as the functions take them',
      { allowedHosts: ['https://x.example', '.y.example', 'z.example:8443', '*'] },
    ],
    [
      'a host that is known at the deployment',
      { allowedHosts: [Lazy.string({ produce: () => 'x.example' })] },
    ],
    ['keys, which no prop has', { environment: { CHANNELS_SYMMETRIC_ENCRYPTION_KEYS: 'secret', TZ: 'UTC' } }],
    ['the longest times', { sizes: { http: seconds(29), delivery: seconds(900), worker: seconds(900) } }],
    ['no invocations, to stop a function', { sizes: { http: { reservedConcurrentExecutions: 0 } } }],
    ['as many paths as CloudFront takes', { front: paths(73) }],
    ['folders below an asset of their own', { assets: { 'pages/docs': 'docs', '..docs': 'docs' } }],
    ['a table’s longest name', { tableName: 'a'.repeat(255) }],
  ])('%s', (_name, props) => {
    expect(failureOf(props)).toBeUndefined()
  })

  test.each([
    'route.request.header.Authorization',
    'route.request.querystring.token',
    'stageVariables.tenant',
    'context.identity.sourceIp',
  ])('%s as identity source, so that the module is looked for next', (identitySource) => {
    expectRefusal(source([identitySource]), 'no authorizer.ts')
  })
})

describe('environment variables', () => {
  class Idle extends Consumer<ChannelScope> {}

  function withChannels(count: number): Given {
    const channels = Array.from({ length: count }, (_, index) => `thumbnails-of-pictures-${index}`)
    const routes = Object.fromEntries(channels.map((channel) => [channel, Idle.asApplication()]))
    return { application: ChannelNameRouter(routes) }
  }

  test('of more than Lambda takes are refused, and the largest is named', () => {
    expectRefusal(
      { environment: { BIG: 'x'.repeat(4000) } },
      'BIG alone to 4009: Lambda takes 4096 in all; use',
    )
  })

  test('are measured with the queues of all channels, whose names are made at the deployment', () => {
    expect(failureOf(withChannels(12))).toBeUndefined()
    expectRefusal(withChannels(25), 'CHANNELS_WORKER_QUEUES alone to ')
  })

  test('are measured when the template is made, with what a function got since', () => {
    const stack = newStack()
    const { functions } = addApi(stack, {})
    functions.http?.addEnvironment('PAGE', 'x'.repeat(4000))

    expect(() => Template.fromStack(stack)).toThrow(
      /of the function Chat\/Api\/HttpFunction come to some 4\d{3} bytes, PAGE alone to 4010/,
    )
  })

  test('are measured as Lambda does, as one JSON object', () => {
    const variables = { QUOTES: '"'.repeat(1000), UMLAUTS: 'ä'.repeat(500) }
    const rest = measured({})

    expect(measured(variables) - rest).toBe(Buffer.byteLength(JSON.stringify(variables)) - '{}'.length + 1)
  })

  /** The bytes that a message tells, of a stack that needs none but the message's own variable beyond the limit. */
  function measured(environment: Readonly<Record<string, string>>): number {
    const failure = failureOf({ environment: { ...environment, OVER: 'x'.repeat(4096) } })
    return Number(/come to some (\d+) bytes/.exec((failure as Error).message)?.[1])
  }
})

test('with an emulator it is said that front and name are left out', () => {
  const stack = newStack()
  addApi(stack, {
    emulatorEndpoint: 'http://localhost:4566',
    front: true,
    domainName: { name: 'chat.example' },
  })
  const warnings = Annotations.fromStack(stack)

  warnings.hasWarning(
    '/Chat/Api',
    'front is left out, because emulatorEndpoint is given: clients reach the APIs at the emulator [ack: lambda-channels:front]',
  )
  warnings.hasWarning(
    '/Chat/Api',
    'domainName is left out, because emulatorEndpoint is given: clients reach the APIs at the emulator [ack: lambda-channels:domainName]',
  )
  Template.fromStack(stack).resourceCountIs('AWS::CloudFront::Distribution', 0)
})

test('with an emulator alone there is no warning', () => {
  const stack = newStack()
  addApi(stack, { emulatorEndpoint: 'http://localhost:4566' })

  expect(Annotations.fromStack(stack).findWarning('*', Match.anyValue())).toEqual([])
})

test('the levels that are taken reach the functions and the stage', () => {
  const template = templateOf({ logLevel: 'debug', executionLogs: 'info' })

  template.hasResourceProperties('AWS::Lambda::Function', {
    Environment: { Variables: { CHANNELS_LOG_LEVEL: 'debug' } },
  })
  template.hasResourceProperties('AWS::ApiGatewayV2::Stage', {
    DefaultRouteSettings: { LoggingLevel: 'INFO' },
  })
})
