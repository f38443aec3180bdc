import { expect, test } from 'vitest'
import { MemoryChannelStore } from '../../shared/backends/memory/index.ts'
import { ConfigurationError, createChannelLayer, WebsocketConsumer } from '../../shared/index.ts'
import { readEnvironment } from '../../shared/lambda/index.ts'
import { TestGateway, WebsocketCommunicator } from '../../shared/testing/index.ts'
import { GatewayWorld } from '../support/gateway-world.ts'
import { RoomConsumer } from '../support/room-consumer.ts'

// 1.11 Layer configuration

/** Joins `room` of the layer that its client names, and tells that room so. */
class LayersConsumer extends WebsocketConsumer {
  override async receive(alias: string): Promise<void> {
    const layer = this.connection.channelLayer(alias)
    await layer.groupAdd('room', this.channelName)
    await layer.groupSendFrame('room', `somebody joins on ${alias}`)
  }
}

test('`CHANNEL_LAYERS`', async () => {
  const application = LayersConsumer.asApplication()
  const gateway = new TestGateway(application, { layers: ['jobs'] })
  await using ann = new WebsocketCommunicator(application, '/', { gateway })
  await using ben = new WebsocketCommunicator(application, '/', { gateway })
  for (const client of [ann, ben]) await client.connect()
  await ann.sendTo('default')
  await ben.sendTo('jobs')
  expect([await ann.receiveFrom(), await ben.receiveFrom()]).toEqual([
    'somebody joins on default',
    'somebody joins on jobs',
  ])
  expect(await ann.receiveNothing(1)).toBe(true)

  const variables = {
    AWS_REGION: 'eu-west-1',
    CHANNELS_TABLE: 'channels',
    CHANNELS_DELIVERY_QUEUE_URL: 'https://sqs.eu-west-1.amazonaws.com/1/delivery',
  }
  expect(readEnvironment(variables)).toMatchObject({ layer: 'dynamodb', table: 'channels' })
})

test('`get_channel_layer(alias)`', async () => {
  const world = new GatewayWorld({ application: RoomConsumer.asApplication() })
  const layer = createChannelLayer({
    store: world.store,
    queue: world.queue,
    endpoint: 'https://api.example/prod',
  })
  await world.open('a=', 'b=')

  await layer.groupSend('room', { type: 'room.say', text: 'from a script' })
  await world.deliverAll()
  await layer.send('a=', { type: 'room.say', text: 'for one' })
  await world.deliverAll()
  await world.receive('a=', 'from a consumer')

  expect(world.frames('a=')).toEqual(['from a script', 'for one', 'from a consumer'])
  expect(world.frames('b=')).toEqual(['from a script', 'from a consumer'])
})

test('an unknown alias is `None`', async () => {
  const application = LayersConsumer.asApplication()
  const gateway = new TestGateway(application, { layers: ['jobs'] })
  const client = new WebsocketCommunicator(application, '/', { gateway })
  await client.connect()

  const sent = client.sendTo('job')

  await expect(sent).rejects.toThrow(ConfigurationError)
  await expect(sent).rejects.toThrow('there is no channel layer "job": this runtime has "default", "jobs"')
})

test('`TEST_CONFIG`, `channel_layers.set()`', async () => {
  const application = RoomConsumer.asApplication()
  await using ann = new WebsocketCommunicator(application, '/', { gateway: new TestGateway(application) })
  await using ben = new WebsocketCommunicator(application, '/', { gateway: new TestGateway(application) })
  for (const client of [ann, ben]) await client.connect()

  await ann.sendTo('hello')

  expect(await ann.receiveFrom()).toBe('hello')
  expect(await ben.receiveNothing(1)).toBe(true)
  expect(ann.gateway.store).toBeInstanceOf(MemoryChannelStore)
})

test('a wrong configuration is an `InvalidChannelLayerError`', () => {
  const variables = { AWS_REGION: 'eu-west-1', CHANNELS_DELIVERY_QUEUE_URL: 'https://sqs.example/1/delivery' }

  expect(() => readEnvironment({ ...variables, CHANNELS_LAYER: 'valkey' })).toThrow(ConfigurationError)
  expect(() => readEnvironment({ ...variables, CHANNELS_LAYER: 'valkey' })).toThrow(
    'environment variable CHANNELS_LAYER is "valkey": set it to one of dynamodb, redis, memory',
  )
  expect(() => readEnvironment(variables)).toThrow('environment variable CHANNELS_TABLE is not set')
})
