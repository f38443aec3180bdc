import { expect, test } from 'vitest'
import { inProcessFunction, type LambdaFunction } from '../../local/index.ts'
import { handshake, TestClient } from './support/clients.ts'
import { RecordedApi } from './support/recorded-api.ts'

interface AuthorizerEvent {
  readonly type: string
  readonly methodArn: string
  readonly headers: Readonly<Record<string, string>>
  readonly queryStringParameters: Readonly<Record<string, string>>
  readonly stageVariables: object
  readonly requestContext: { readonly connectionId: string; readonly eventType: string }
}

function policy(effect: string, resource: string | readonly string[]): object {
  const Statement = [{ Action: 'execute-api:Invoke', Effect: effect, Resource: resource }]
  return { principalId: 'user-1', policyDocument: { Version: '2012-10-17', Statement } }
}

function answering(answer: (event: AuthorizerEvent) => unknown): LambdaFunction {
  return inProcessFunction((event: AuthorizerEvent) => Promise.resolve(event).then(answer))
}

const allowing = (context: object): LambdaFunction =>
  answering(({ methodArn }) => ({ ...policy('Allow', methodArn), context }))

test('AU-01 the authorizer gets all headers, the query and the ARN of $connect, before $connect', async () => {
  const events: AuthorizerEvent[] = []
  const authorizer = answering((event) => {
    events.push(event)
    return policy('Allow', event.methodArn)
  })
  await using api = await RecordedApi.start({}, { functions: { authorizer } })
  await handshake(`${api.gateway.websocketUrl}?token=abc`)

  const { requestContext } = await api.event('CONNECT')
  const [event] = events
  expect(event).toMatchObject({
    type: 'REQUEST',
    methodArn: expect.stringMatching(/^arn:aws:execute-api:[\w-]+:\d{12}:\w{10}\/prod\/\$connect$/) as string,
    headers: { Upgrade: 'websocket', Connection: 'Upgrade' },
    queryStringParameters: { token: 'abc' },
    stageVariables: {},
    requestContext: { connectionId: requestContext.connectionId, eventType: 'CONNECT' },
  })
})

test('AU-02 its context is in every later event, with principalId and integrationLatency', async () => {
  await using api = await RecordedApi.start(
    {},
    { functions: { authorizer: allowing({ tenant: 't', level: 3, admin: false }) } },
  )
  const client = await TestClient.open(api.gateway.websocketUrl)
  client.send('x')
  await api.event('MESSAGE')
  await client.close()
  await api.event('DISCONNECT')

  for (const { requestContext } of api.events) {
    expect(requestContext['authorizer']).toEqual({
      principalId: 'user-1',
      tenant: 't',
      level: 3,
      admin: false,
      integrationLatency: expect.any(Number) as number,
    })
    expect(Object.keys(requestContext)[1]).toBe('authorizer')
  }
  expect(api.events).toHaveLength(3)
})

test('AU-03 a missing identity source is 401, and the authorizer is not asked', async () => {
  let calls = 0
  const authorizer = answering(({ methodArn }) => {
    calls += 1
    return policy('Allow', methodArn)
  })
  await using api = await RecordedApi.start(
    {},
    {
      functions: { authorizer },
      identitySources: ['route.request.querystring.token', 'route.request.header.X-Key'],
    },
  )

  expect((await handshake(`${api.gateway.websocketUrl}?token=a`)).status).toBe(401)
  expect((await handshake(api.gateway.websocketUrl, { 'x-key': 'b' })).status).toBe(401)
  expect((await handshake(`${api.gateway.websocketUrl}?token=`, { 'x-key': 'b' })).status).toBe(401)
  expect(calls).toBe(0)
  expect((await handshake(`${api.gateway.websocketUrl}?token=a`, { 'x-key': 'b' })).status).toBe(101)
  expect(calls).toBe(1)
})

test('AU-04 an authorizer that throws exactly "Unauthorized" is 401', async () => {
  const authorizer = answering(() => {
    throw new Error('Unauthorized')
  })
  await using api = await RecordedApi.start({}, { functions: { authorizer } })

  expect((await handshake(api.gateway.websocketUrl)).status).toBe(401)
  expect(api.events).toEqual([])
})

test.each([
  ['denies', policy('Deny', '*')],
  [
    'allows another resource',
    policy('Allow', 'arn:aws:execute-api:us-east-1:000000000000:local00001/prod/other'),
  ],
  ['allows "*/*"', policy('Allow', '*/GET/*')],
  ['has no statement', { principalId: 'x', policyDocument: { Statement: [] } }],
  [
    'allows and denies',
    {
      principalId: 'x',
      policyDocument: {
        Statement: [
          { Action: '*', Effect: 'Allow', Resource: '*' },
          { Action: 'execute-api:*', Effect: 'Deny', Resource: ['*/prod/$connect'] },
        ],
      },
    },
  ],
])('AU-05 a policy that %s is 403', async (_, answer) => {
  await using api = await RecordedApi.start({}, { functions: { authorizer: answering(() => answer) } })

  expect((await handshake(api.gateway.websocketUrl)).status).toBe(403)
  expect(api.events).toEqual([])
})

test.each([
  '*',
  'arn:aws:execute-api:us-east-1:*:*/prod/$connect',
  'arn:aws:execute-api:us-east-?:000000000000:local00001/*',
])('AU-05 a policy that allows %s lets the client in', async (resource) => {
  await using api = await RecordedApi.start(
    {},
    { functions: { authorizer: answering(() => policy('Allow', resource)) } },
  )

  expect((await handshake(api.gateway.websocketUrl)).status).toBe(101)
})

test.each([
  [
    'throws anything else',
    (): never => {
      throw new Error('database is down')
    },
  ],
  ['returns nothing', (): undefined => undefined],
  ['returns a simple response', (): object => ({ isAuthorized: true })],
  ['returns a nested context', (): object => ({ ...policy('Allow', '*'), context: { user: { id: 1 } } })],
  ['returns more than 8 KB', (): object => ({ ...policy('Allow', '*'), context: { big: 'x'.repeat(8192) } })],
])('AU-06 an authorizer that %s is 500, and logged', async (_, answer) => {
  await using api = await RecordedApi.start({}, { functions: { authorizer: answering(answer) } })

  expect((await handshake(api.gateway.websocketUrl)).status).toBe(500)
  expect(api.log).toMatchObject([{ level: 'error' }])
  expect(api.events).toEqual([])
})

test('AU-07 the authorizer is asked for every connection', async () => {
  let calls = 0
  const authorizer = answering(({ methodArn }) => {
    calls += 1
    return policy('Allow', methodArn)
  })
  await using api = await RecordedApi.start({}, { functions: { authorizer } })

  await handshake(`${api.gateway.websocketUrl}?token=same`)
  await handshake(`${api.gateway.websocketUrl}?token=same`)

  expect(calls).toBe(2)
})
