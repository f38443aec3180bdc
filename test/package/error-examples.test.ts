import { expect, test } from 'vitest'
import { DynamoDBChannelStore } from '../../shared/backends/dynamodb/index.ts'
import { MemoryChannelStore, MemoryDeliveryQueue } from '../../shared/backends/memory/index.ts'
import { requireMessage, requireMessageSize } from '../../shared/codec.ts'
import { requireState } from '../../shared/consumers/state.ts'
import { failureOfStatus } from '../../shared/gateway/post-failure.ts'
import { parseWebsocketEvent } from '../../shared/gateway/websocket-event.ts'
import {
  ChannelsError,
  createChannelLayer,
  defineMiddleware,
  JsonWebsocketConsumer,
  path,
  requireGroupName,
  UrlRouter,
  WebsocketConsumer,
  type WebsocketScope,
} from '../../shared/index.ts'
import { TestConnection } from '../../shared/testing/index.ts'
import { readText } from '../support/repository.ts'

const page = await readText('docs/reference/errors.md')

class ChatConsumer extends JsonWebsocketConsumer {}

class PictureConsumer extends WebsocketConsumer {
  override async receive(): Promise<void> {
    await this.send(new Uint8Array(3) as unknown as string)
  }
}

const connection = new TestConnection()
const scope: WebsocketScope = {
  type: 'websocket',
  path: '/ws/chat/',
  query: {},
  headers: {},
  subprotocols: [],
  client: '127.0.0.1',
  connectedAt: 0,
  channelName: 'L0SM9cOFvHcCIhw=',
  connection,
}
const post = { method: 'POST', connectionId: 'L0SM9cOFvHcCIhw=' } as const

const makers: Readonly<Record<string, () => unknown>> = {
  CHANNEL_FULL: async () => {
    const layer = createChannelLayer({ store: new MemoryChannelStore(), capacity: 1 })
    for (let times = 0; times < 2; times += 1) await layer.send('reply.Qm9i!QW5u', { type: 'job.done' })
  },
  CONFIGURATION: () => {
    const broken = defineMiddleware({ name: 'user', connect: () => ({ user: new Date(0) }) })
    return broken(async () => {})(scope, { type: 'websocket.connect' }, async () => {})
  },
  CONNECTION_GONE: () => Promise.reject(failureOfStatus(post, 410, '')),
  DELIVERY_FAILED: () => Promise.reject(failureOfStatus(post, 429, '')),
  INVALID_EVENT: () => parseWebsocketEvent({ version: '2.0', routeKey: '$default' }),
  INVALID_MESSAGE: () => requireMessage({ type: 'chat.message', sentAt: new Date(0) }),
  INVALID_NAME: () => requireGroupName('room 42'),
  INVALID_STATE: () => requireState({ history: 'x'.repeat(400_000) }, 'ChatConsumer'),
  MESSAGE_TOO_LARGE: () => requireMessageSize('x'.repeat(140_000), 131_072),
  NOT_SUPPORTED: () => createChannelLayer({ store: new MemoryChannelStore() }).receive(post.connectionId),
  NO_HANDLER: () => ChatConsumer.asApplication()(scope, { type: 'chat.mesage' }, async () => {}),
  PROTOCOL: () =>
    PictureConsumer.asApplication()(scope, { type: 'websocket.receive', text: '' }, async () => {}),
  ROUTE_NOT_FOUND: () =>
    UrlRouter([path('ws/chat/<slug:room>/', async () => {})])(
      scope,
      { type: 'websocket.connect' },
      async () => {},
    ),
  STORE_FAILED: () => {
    const failing = (): Promise<never> =>
      Promise.reject(
        Object.assign(new Error('Requested resource not found'), { name: 'ResourceNotFoundException' }),
      )
    const transport = {
      BatchGetItem: failing,
      BatchWriteItem: failing,
      DeleteItem: failing,
      GetItem: failing,
      PutItem: failing,
      Query: failing,
      Scan: failing,
      UpdateItem: failing,
    }
    return new DynamoDBChannelStore({ tableName: 'channels', transport }).load(post.connectionId)
  },
  UNKNOWN_CHANNEL: () =>
    createChannelLayer({
      store: new MemoryChannelStore(),
      queue: new MemoryDeliveryQueue(),
      endpoint: 'https://abc.execute-api.eu-west-1.amazonaws.com/prod',
    }).send('thumbnials', { type: 'page.print' }),
}

test.each(Object.keys(makers))('the example of %s is what the code says', async (code) => {
  const error = await caught(makers[code])
  const section = page.split(/^## /m).find((text) => text.startsWith(`\`${code}\``)) ?? ''
  const example = /\*\*Example:\*\*\n\n```text\n(.*)\n```/.exec(section)?.[1]

  expect(error).toBeInstanceOf(ChannelsError)
  expect((error as ChannelsError).code).toBe(code)
  expect(example).toBe((error as ChannelsError).message)
})

test('every section has an example that is checked', () => {
  const headings = [...page.matchAll(/^## `([A-Z_]+)`$/gm)].map((match) => match[1])

  expect(new Set(Object.keys(makers))).toEqual(new Set(headings))
})

async function caught(make: (() => unknown) | undefined): Promise<unknown> {
  try {
    await make?.()
    return undefined
  } catch (error) {
    return error
  }
}
