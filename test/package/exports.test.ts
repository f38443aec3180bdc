import { join } from 'node:path'
import { expect, test } from 'vitest'
import { findUndocumented, isDocumented, readPublicNames } from '../support/declarations.ts'
import { exists, readExportedSources, root } from '../support/repository.ts'

const sources = [...(await readExportedSources())].map(([subpath, source]) => ({ subpath, source }))

test('the package has exactly these entrances', () => {
  expect(sources.map(({ subpath }) => subpath)).toMatchInlineSnapshot(`
    [
      ".",
      "./gateway",
      "./management-api",
      "./memory",
      "./dynamodb",
      "./redis",
      "./sqs",
      "./testing",
      "./local",
    ]
  `)
})

test.each(sources)('$subpath has its source, $source', async ({ source }) => {
  expect(await exists(source)).toBe(true)
})

test('the package exports exactly these names, types last', async () => {
  const lists = await Promise.all(
    sources.map(async ({ subpath, source }) => {
      const names = await readPublicNames(source)
      const values = names.filter(({ isType }) => !isType).map(({ name }) => name)
      const types = names.filter(({ isType }) => isType).map(({ name }) => `type ${name}`)
      return [subpath, [...values, ...types]] as const
    }),
  )

  expect(Object.fromEntries(lists)).toMatchInlineSnapshot(`
    {
      ".": [
        "AcceptConnection",
        "ChannelsError",
        "ConfigurationError",
        "ConnectionGoneError",
        "Consumer",
        "DeliveryError",
        "DenyConnection",
        "InvalidEventError",
        "InvalidMessageError",
        "InvalidNameError",
        "InvalidStateError",
        "JsonWebsocketConsumer",
        "MessageTooLargeError",
        "NoHandlerError",
        "ProtocolError",
        "ProtocolTypeRouter",
        "RouteNotFoundError",
        "Signal",
        "StopConsumer",
        "StoreError",
        "UrlRouter",
        "WebsocketConsumer",
        "createPath",
        "defineMiddleware",
        "groupName",
        "handlerName",
        "path",
        "rePath",
        "requireChannelName",
        "requireGroupName",
        "systemClock",
        "wrapApplication",
        "type AcceptOptions",
        "type Application",
        "type BuiltInConverters",
        "type ChannelLayer",
        "type ChannelStore",
        "type Clock",
        "type Connection",
        "type ConnectionRecord",
        "type ContentSchema",
        "type Converter",
        "type DeliveryQueue",
        "type DeliveryTask",
        "type EnqueueOptions",
        "type ErrorCode",
        "type EventMap",
        "type EventOf",
        "type GroupMember",
        "type GroupSendOptions",
        "type GroupSendResult",
        "type HandlerName",
        "type Handles",
        "type JsonObject",
        "type JsonValue",
        "type Logger",
        "type MemberPage",
        "type MemberRange",
        "type Message",
        "type Middleware",
        "type MiddlewareDefinition",
        "type PathFunction",
        "type PathParams",
        "type PathScope",
        "type ProtocolApplications",
        "type QueuedDelivery",
        "type RecordWrite",
        "type Route",
        "type RoutedScope",
        "type SchemaIssue",
        "type Scope",
        "type Send",
        "type SendFrameOptions",
        "type StateChanges",
        "type UrlRoute",
        "type WebsocketScope",
      ],
      "./dynamodb": [
        "DynamoDBChannelStore",
        "TIME_TO_LIVE_ATTRIBUTE",
        "httpTransport",
        "tableDefinition",
        "type AwsCredentials",
        "type CredentialsProvider",
        "type DynamoDBChannelStoreOptions",
        "type DynamoDBTransport",
        "type HttpTransport",
        "type HttpTransportOptions",
        "type TableDefinition",
      ],
      "./gateway": [
        "FastPoster",
        "Runtime",
        "createDeliveryHandler",
        "createWebsocketHandler",
        "type AwsCredentials",
        "type BatchResult",
        "type ConnectionInfo",
        "type CredentialsProvider",
        "type DeliveryHandler",
        "type FailureContext",
        "type FastPosterOptions",
        "type LambdaContext",
        "type Metrics",
        "type PostOptions",
        "type Poster",
        "type ProxyResult",
        "type RuntimeOptions",
        "type WebsocketHandler",
      ],
      "./local": [
        "Faults",
        "containerPool",
        "defaultPolicies",
        "inProcessFunction",
        "startLocalGateway",
        "type ContainerPool",
        "type ContainerPoolOptions",
        "type DeadLetter",
        "type GatewayPolicies",
        "type InProcessOptions",
        "type LambdaContext",
        "type LambdaFunction",
        "type LambdaHandler",
        "type LambdaResult",
        "type LocalAddresses",
        "type LocalFunctions",
        "type LocalGateway",
        "type LocalGatewayOptions",
        "type PostFault",
      ],
      "./management-api": [
        "ManagementApiPoster",
        "type ManagementApiPosterOptions",
      ],
      "./memory": [
        "MemoryChannelStore",
        "MemoryDeliveryQueue",
      ],
      "./redis": [
        "RedisChannelStore",
        "createRedisClient",
        "type RedisAddress",
        "type RedisChannelStoreOptions",
        "type RedisClient",
        "type RedisClientOptions",
      ],
      "./sqs": [
        "SQSDeliveryQueue",
        "type SQSDeliveryQueueOptions",
      ],
      "./testing": [
        "ApplicationCommunicator",
        "ManualClock",
        "TestConnection",
        "TestGateway",
        "WebsocketCommunicator",
        "type ApplicationCommunicatorOptions",
        "type TestGatewayOptions",
        "type WebsocketCommunicatorOptions",
      ],
    }
  `)
})

test.each(sources)('$subpath exports at run time what its index says', async ({ source }) => {
  const names = await readPublicNames(source)
  const module = (await import(join(root, source))) as Record<string, unknown>

  expect(Object.keys(module).toSorted()).toEqual(
    names.filter(({ isType }) => !isType).map(({ name }) => name),
  )
})

test.each(sources)('everything that $subpath exports has a docstring', async ({ source }) => {
  expect(await findUndocumented(await readPublicNames(source))).toEqual([])
})

test('the check for docstrings finds a declaration without one', () => {
  expect(isDocumented('/** Says so. */\nexport class Named {}\n', 'Named')).toBe(true)
  expect(isDocumented('/** Of another. */\nconst a = 1\nexport class Named {}\n', 'Named')).toBe(false)
  expect(isDocumented('/** Of another. */\nexport class NamedElse {}\n', 'Named')).toBe(false)
})
