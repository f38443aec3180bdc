import { expect, test } from 'vitest'
import { MemoryChannelStore } from '../../shared/backends/memory/index.ts'
import { channelLayerFromEnvironment } from '../../shared/environment/index.ts'
import { ConfigurationError, createChannelLayer, type Message } from '../../shared/index.ts'
import { readEnvironment } from '../../shared/lambda/index.ts'
import { ManualClock } from '../../shared/testing/index.ts'

// 1.14 InMemoryChannelLayer

const numbered = (n: number): Message => ({ type: 'numbered', n })

test('layer in one process', async () => {
  const store = new MemoryChannelStore()
  const [one, other] = [createChannelLayer({ store }), createChannelLayer({ store })]
  const [first, second] = [await one.newChannel(), await one.newChannel()]
  for (const channel of [first, second]) await other.groupAdd('room', channel)

  await other.send(first, numbered(1))
  await other.groupSend('room', numbered(2), { exclude: [first] })

  expect([await one.receive(first), await one.receive(second)]).toEqual([numbered(1), numbered(2)])
})

test('several waiters: one gets a message', async () => {
  const layer = createChannelLayer({ store: new MemoryChannelStore() })
  const channel = await layer.newChannel()
  const waiting = [1, 2, 3].map(() => layer.receive(channel))

  for (const n of [1, 2, 3]) await layer.send(channel, numbered(n))

  expect(await Promise.all(waiting)).toEqual([1, 2, 3].map(numbered))
})

test('`flush`', async () => {
  const layer = createChannelLayer({ store: new MemoryChannelStore() })
  const channel = await layer.newChannel()
  await layer.groupAdd('room', channel)
  await layer.send(channel, numbered(1))

  await layer.flush()

  expect(await layer.groupSend('room', numbered(2))).toMatchObject({ delivered: 0, failed: 0 })
  const fresh = await layer.newChannel()
  await layer.groupAdd('room', fresh)
  await layer.groupSend('room', numbered(3))
  await layer.send(channel, numbered(4))
  expect([await layer.receive(fresh), await layer.receive(channel)]).toEqual([numbered(3), numbered(4)])
})

test('not for production', async () => {
  const variables = {
    CHANNELS_LAYER: 'memory',
    CHANNELS_DELIVERY_QUEUE_URL: 'https://sqs.eu-west-1.amazonaws.com/1/delivery',
    AWS_REGION: 'eu-west-1',
  }

  expect(readEnvironment(variables).layer).toBe('memory')
  expect(() => readEnvironment({ ...variables, AWS_LAMBDA_FUNCTION_NAME: 'websocket' })).toThrow(
    ConfigurationError,
  )
  await expect(channelLayerFromEnvironment(variables)).rejects.toThrow(ConfigurationError)
})

test('a message that expires unread ends the memberships of its channel', async () => {
  const clock = new ManualClock()
  const layer = createChannelLayer({ store: new MemoryChannelStore({ clock }), clock })
  const channel = await layer.newChannel()
  await layer.groupAdd('room', channel)
  await layer.send(channel, numbered(1))

  await clock.advance(61_000)

  expect(await layer.groupSend('room', numbered(2))).toMatchObject({ delivered: 1 })
  expect(await layer.receive(channel)).toEqual(numbered(2))
})
