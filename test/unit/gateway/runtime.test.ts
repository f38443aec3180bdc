import { expect, test } from 'vitest'
import { ConfigurationError } from '../../../shared/errors.ts'
import { Runtime, type RuntimeOptions } from '../../../shared/gateway/runtime.ts'
import { GatewayWorld } from '../../support/gateway-world.ts'
import { RoomConsumer } from '../../support/room-consumer.ts'
import { ScriptedPoster } from '../../support/scripted-poster.ts'

const application = RoomConsumer.asApplication()
const apiId = 'abc'
const stage = 'prod'

test.each([
  [
    'eu-west-1',
    'abc.execute-api.eu-west-1.amazonaws.com',
    'https://abc.execute-api.eu-west-1.amazonaws.com/prod',
  ],
  [
    'cn-north-1',
    'abc.execute-api.cn-north-1.amazonaws.com.cn',
    'https://abc.execute-api.cn-north-1.amazonaws.com.cn/prod',
  ],
  ['eu-west-1', 'chat.example.com', 'https://abc.execute-api.eu-west-1.amazonaws.com/prod'],
  ['cn-north-1', 'chat.example.cn', 'https://abc.execute-api.cn-north-1.amazonaws.com.cn/prod'],
  [
    'eu-west-1',
    'abc.execute-api.eu-west-1.amazonaws.com.evil.example',
    'https://abc.execute-api.eu-west-1.amazonaws.com/prod',
  ],
])('in %s, an event of %s belongs to %s', (region, domainName, endpoint) => {
  const { runtime } = new GatewayWorld({ application, runtime: { region } })

  expect(runtime.endpointOf({ apiId, stage, domainName })).toBe(endpoint)
})

test('an endpoint that is given wins over the event', () => {
  const { runtime } = new GatewayWorld({ application, runtime: { endpoint: 'https://chat.example.com/ws' } })

  expect(runtime.endpointOf({ apiId, stage, domainName: 'x' })).toBe('https://chat.example.com/ws')
})

test('each API and stage has a poster of its own, made once', async () => {
  const made: string[] = []
  const world = new GatewayWorld({
    application,
    runtime: {
      createPoster: (endpoint) => {
        made.push(endpoint)
        return new ScriptedPoster()
      },
    },
  })
  const other = { apiId: 'other', domainName: 'other.execute-api.eu-west-1.amazonaws.com', stage: 'dev' }

  await world.connect('a=')
  await world.connect('b=', { requestContext: other })
  await world.receive('a=', 'hello')
  await world.receive('b=', 'hello', { requestContext: other })

  expect(made).toEqual([
    'https://abc.execute-api.eu-west-1.amazonaws.com/prod',
    'https://other.execute-api.eu-west-1.amazonaws.com/dev',
  ])
})

test('what had to wait is delivered through the endpoint it was meant for', async () => {
  const posters = new Map<string, ScriptedPoster>()
  const world = new GatewayWorld({
    application,
    runtime: {
      createPoster: (endpoint) => {
        const poster = new ScriptedPoster()
        posters.set(endpoint, poster)
        return poster
      },
    },
  })
  const endpoint = 'https://abc.execute-api.eu-west-1.amazonaws.com/prod'
  await world.open('a=')
  posters.get(endpoint)?.answerNext('a=', 'throttled')
  await world.receive('a=', 'hello')

  world.coldStart()
  await world.deliverAll()

  expect([...posters.keys()]).toEqual([endpoint])
  expect(posters.get(endpoint)?.frames('a=')).toEqual(['hello'])
})

test('without metrics, counts are lines at debug', () => {
  const { runtime: parts, logger } = new GatewayWorld({ application })
  const runtime = new Runtime({
    store: parts.store,
    queue: parts.queue,
    createPoster: () => new ScriptedPoster(),
    region: 'eu-west-1',
    logger,
  })

  runtime.metrics.count('delivered', 3)

  expect(logger.lines).toEqual([
    { level: 'debug', message: 'count', details: { name: 'delivered', value: 3 } },
  ])
})

test.each<[Partial<RuntimeOptions>, string]>([
  [{ fanOut: { inlineMembers: -1 } }, 'fanOut.inlineMembers is -1: use a whole number from 1'],
  [{ fanOut: { rangeMembers: 0 } }, 'fanOut.rangeMembers is 0: use a whole number from 1'],
  [{ fanOut: { rangeMembers: NaN } }, 'fanOut.rangeMembers is NaN: use a whole number from 1'],
  [{ fanOut: { maxRanges: 1.5 } }, 'fanOut.maxRanges is 1.5: use a whole number from 1'],
  [{ messageLimits: { capacity: 0 } }, 'capacity is 0: use a whole number from 1'],
  [{ openingGraceMs: -1 }, 'openingGraceMs is -1: use a whole number from 0'],
])('%j is a ConfigurationError that says what to set', (options, message) => {
  const make = (): unknown => new GatewayWorld({ application, runtime: options })

  expect(make).toThrow(ConfigurationError)
  expect(make).toThrow(message)
})
