import { describe, expect, test } from 'vitest'
import type { Application, WebsocketScope } from '../../../shared/application.ts'
import { broadcastOf } from '../../../shared/broadcast.ts'
import { JsonWebsocketConsumer } from '../../../shared/consumers/json-websocket-consumer.ts'
import { ConfigurationError, NoHandlerError } from '../../../shared/errors.ts'
import { defineMiddleware } from '../../../shared/middleware/define-middleware.ts'
import { Demultiplexer } from '../../../shared/routing/demultiplexer.ts'
import { path } from '../../../shared/routing/path.ts'
import { UrlRouter } from '../../../shared/routing/url-router.ts'
import { TestGateway } from '../../../shared/testing/test-gateway.ts'
import { WebsocketCommunicator } from '../../../shared/testing/websocket-communicator.ts'
import { FakeLogger } from '../../support/fake-connection.ts'

interface Said {
  readonly type: string
  readonly text: string
}

class ChatConsumer extends JsonWebsocketConsumer {
  override readonly groups = ['room']
  override async receiveJson(content: unknown): Promise<void> {
    await this.channelLayer.groupSend('room', { type: String(content), text: 'hello' })
  }
  async chatMessage({ text }: Said): Promise<void> {
    await this.sendJson({ chat: text })
  }
  async bothSaid({ text }: Said): Promise<void> {
    await this.sendJson({ both: text })
  }
}

class StatusConsumer extends JsonWebsocketConsumer {
  async statusChanged({ text }: Said): Promise<void> {
    await this.sendJson({ status: text })
  }
  async bothSaid({ text }: Said): Promise<void> {
    await this.sendJson({ also: text })
  }
}

class BroadcastConsumer extends JsonWebsocketConsumer {
  static priceChanged({ text }: Said): object {
    return { price: text }
  }
}

const chat = ChatConsumer.asApplication()
const status = StatusConsumer.asApplication()

async function open(application: Application<WebsocketScope>, at = '/'): Promise<WebsocketCommunicator> {
  const client = new WebsocketCommunicator(application, at)
  expect((await client.connect())[0]).toBe(true)
  return client
}

/** Lets the stream "chat" send an event to the group. */
const groupSend = (type: string): object => ({ stream: 'chat', payload: type })

describe('events of a channel layer', () => {
  test('run in the streams that have a handler for them, and arrive as theirs', async () => {
    const application = Demultiplexer({ chat, status })
    await using sender = await open(application)
    await using member = await open(application)

    await sender.sendJsonTo(groupSend('chat.message'))
    await sender.sendJsonTo(groupSend('status.changed'))
    await sender.sendJsonTo(groupSend('both.said'))

    for (const client of [sender, member]) {
      expect(await client.receiveJsonFrom()).toEqual({ stream: 'chat', payload: { chat: 'hello' } })
      expect(await client.receiveJsonFrom()).toEqual({ stream: 'status', payload: { status: 'hello' } })
      expect(await client.receiveJsonFrom()).toEqual({ stream: 'chat', payload: { both: 'hello' } })
      expect(await client.receiveJsonFrom()).toEqual({ stream: 'status', payload: { also: 'hello' } })
      expect(await client.receiveNothing(10)).toBe(true)
    }
  })

  test.each(['chat.mesage', 'close', 'constructor'])(
    'one that no stream has a handler for, such as "%s", fails as in a consumer alone',
    async (type) => {
      const client = await open(Demultiplexer({ chat, status }))

      const sent = client.sendJsonTo(groupSend(type))

      await expect(sent).rejects.toThrow(NoHandlerError)
      await expect(sent).rejects.toThrow(
        `no stream can handle an event of type "${type}": of the connection's streams (chat, status) none has a method for it`,
      )
      expect(client.isClosed).toBe(true)
    },
  )

  test('without a handler are told as a failure of the Demultiplexer', async () => {
    const application = Demultiplexer({ chat, status })
    const logger = new FakeLogger()
    const gateway = new TestGateway(application, { logger })
    const client = new WebsocketCommunicator(application, '/', { gateway })
    await client.connect()

    await expect(client.sendJsonTo(groupSend('chat.mesage'))).rejects.toThrow(NoHandlerError)

    expect(logger.lines.filter(({ level }) => level === 'error').map(({ message }) => message)).toEqual([
      'Demultiplexer failed on "chat.mesage"',
    ])
  })

  test('find a handler behind a plain function that hides its application, too', async () => {
    const hidden: Application<WebsocketScope> = (scope, message, send) => status(scope, message, send)
    await using client = await open(Demultiplexer({ chat, hidden }))

    await client.sendJsonTo(groupSend('chat.message'))
    await client.sendJsonTo(groupSend('status.changed'))

    expect(await client.receiveJsonFrom()).toEqual({ stream: 'chat', payload: { chat: 'hello' } })
    expect(await client.receiveJsonFrom()).toEqual({ stream: 'hidden', payload: { status: 'hello' } })
  })

  test('without a handler in a hidden application fail as well', async () => {
    const hidden: Application<WebsocketScope> = (scope, message, send) => status(scope, message, send)
    const client = await open(Demultiplexer({ chat, hidden }))

    await expect(client.sendJsonTo(groupSend('chat.mesage'))).rejects.toThrow(
      '(chat, hidden) none has a method',
    )
  })

  test('of a broadcast handler arrive as its stream’s, in every member', async () => {
    const application = Demultiplexer({ chat, prices: BroadcastConsumer.asApplication() })
    await using sender = await open(application)
    await using member = await open(application)

    await sender.sendJsonTo(groupSend('price.changed'))

    for (const client of [sender, member]) {
      expect(await client.receiveJsonFrom()).toEqual({ stream: 'prices', payload: { price: 'hello' } })
    }
  })

  test('of a broadcast handler that is a member of its group without a Demultiplexer, too, arrive there unwrapped', async () => {
    const prices = BroadcastConsumer.asApplication()
    class JoiningConsumer extends BroadcastConsumer {
      override readonly groups = ['room']
    }
    const application = UrlRouter([
      path('many/', Demultiplexer({ chat, prices })),
      path('one/', JoiningConsumer.asApplication()),
    ])
    await using sender = await open(application, '/many/')
    await using alone = await open(application, '/one/')

    await sender.sendJsonTo(groupSend('price.changed'))

    expect(await sender.receiveJsonFrom()).toEqual({ stream: 'prices', payload: { price: 'hello' } })
    expect(await alone.receiveJsonFrom()).toEqual({ price: 'hello' })
    expect(broadcastOf(application, 'price.changed')).toBeUndefined()
  })
})

describe('state', () => {
  class CountingConsumer extends JsonWebsocketConsumer {
    override readonly groups = ['counters']
    override state: { count: number; last?: string } = { count: 0 }
    override async receiveJson(content: unknown): Promise<void> {
      if (content === 'add') this.state.count += 1
      if (content === 'update') await this.updateState((state) => ({ ...state, count: state.count + 10 }))
      if (content === 'last') this.state.last = 'set'
      if (content === 'forget') delete this.state.last
      if (content === 'tell all') {
        this.state.count += 100
        await this.channelLayer.groupSend('counters', { type: 'counter.add' })
      }
      if (content === 'let all forget')
        await this.channelLayer.groupSend('counters', { type: 'counter.forget' })
      await this.sendJson(this.state)
    }
    async counterForget(): Promise<void> {
      delete this.state.last
    }
    async counterAdd(): Promise<void> {
      this.state.count += 1000
    }
  }
  const counter = CountingConsumer.asApplication()

  async function tell(client: WebsocketCommunicator, stream: string, payload: string): Promise<unknown> {
    await client.sendJsonTo({ stream, payload })
    return client.receiveJsonFrom()
  }

  test('of each stream is its own, in one record', async () => {
    await using client = await open(Demultiplexer({ a: counter, b: counter }))

    expect(await tell(client, 'a', 'add')).toEqual({ stream: 'a', payload: { count: 1 } })
    expect(await tell(client, 'b', 'update')).toEqual({ stream: 'b', payload: { count: 10 } })
    expect(await tell(client, 'a', 'update')).toEqual({ stream: 'a', payload: { count: 11 } })
    expect(await tell(client, 'b', 'add')).toEqual({ stream: 'b', payload: { count: 11 } })

    const record = await client.gateway.store.load(client.channelName)
    expect(record?.state).toEqual({ 'a.count': 11, 'b.count': 11 })
  })

  test('a key that one stream removes stays in the other', async () => {
    await using client = await open(Demultiplexer({ a: counter, b: counter }))
    await tell(client, 'a', 'last')
    await tell(client, 'b', 'last')

    expect(await tell(client, 'a', 'forget')).toEqual({ stream: 'a', payload: { count: 0 } })

    expect(await tell(client, 'a', '?')).toEqual({ stream: 'a', payload: { count: 0 } })
    expect(await tell(client, 'b', '?')).toEqual({ stream: 'b', payload: { count: 0, last: 'set' } })
  })

  test('a key that an event inside a handler removes is gone for the handler, too', async () => {
    await using client = await open(Demultiplexer({ a: counter, b: counter }))
    await tell(client, 'a', 'last')

    expect(await tell(client, 'a', 'let all forget')).toEqual({ stream: 'a', payload: { count: 0 } })
  })

  test('updateState of one stream that removes a key leaves the keys of the others', async () => {
    class ResettingConsumer extends CountingConsumer {
      override async receiveJson(): Promise<void> {
        await this.updateState(() => ({ count: 5 }))
        await this.sendJson(this.state)
      }
    }
    await using client = await open(Demultiplexer({ a: counter, b: ResettingConsumer.asApplication() }))
    await tell(client, 'a', 'last')

    await tell(client, 'b', 'reset')

    expect(await tell(client, 'a', '?')).toEqual({ stream: 'a', payload: { count: 0, last: 'set' } })
  })

  test('an event that a handler sends to its own connection sees, and leaves, the state of every stream', async () => {
    await using client = await open(Demultiplexer({ a: counter, b: counter }))

    expect(await tell(client, 'a', 'tell all')).toEqual({ stream: 'a', payload: { count: 1100 } })
    expect(await tell(client, 'b', '?')).toEqual({ stream: 'b', payload: { count: 1000 } })
    expect(await tell(client, 'a', '?')).toEqual({ stream: 'a', payload: { count: 1100 } })
  })

  test('is there for each stream in disconnect()', async () => {
    const seen: unknown[] = []
    class LeavingConsumer extends CountingConsumer {
      override async disconnect(): Promise<void> {
        seen.push(this.state)
      }
    }
    const leaving = LeavingConsumer.asApplication()
    const client = await open(Demultiplexer({ a: leaving, b: leaving }))
    await tell(client, 'b', 'add')

    await client.disconnect()

    expect(seen).toEqual([{ count: 0 }, { count: 1 }])
  })
})

describe('what is around and inside', () => {
  test('each stream may have middleware of its own, the same one even, and remembers for itself', async () => {
    class LocaleConsumer extends JsonWebsocketConsumer<WebsocketScope & { readonly locale: string }> {
      override async receiveJson(): Promise<void> {
        await this.sendJson(this.scope.locale)
      }
    }
    let made = 0
    const locale = defineMiddleware({ name: 'locale', connect: () => ({ locale: `locale ${++made}` }) })
    const own = locale(LocaleConsumer.asApplication())
    await using client = await open(Demultiplexer({ a: own, b: own }))

    await client.sendJsonTo({ stream: 'a', payload: null })
    await client.sendJsonTo({ stream: 'b', payload: null })

    expect(await client.receiveJsonFrom()).toEqual({ stream: 'a', payload: 'locale 1' })
    expect(await client.receiveJsonFrom()).toEqual({ stream: 'b', payload: 'locale 2' })
  })

  test('every stream sees what middleware and routes outside have added', async () => {
    class RoomConsumer extends JsonWebsocketConsumer<
      WebsocketScope & {
        readonly urlRoute: { readonly kwargs: { readonly room: string }; readonly args: readonly string[] }
      }
    > {
      override async receiveJson(): Promise<void> {
        await this.sendJson([this.scope.urlRoute.kwargs.room, this.channelName])
      }
    }
    const application = UrlRouter([
      path('ws/<room>/', Demultiplexer({ room: RoomConsumer.asApplication(), chat })),
    ])
    await using client = await open(application, '/ws/lobby/')

    await client.sendJsonTo({ stream: 'room', payload: null })

    expect(await client.receiveJsonFrom()).toEqual({ stream: 'room', payload: ['lobby', client.channelName] })
  })

  test('plain fields that consumers of several streams set in connect() are all watched for', async () => {
    class FirstConsumer extends JsonWebsocketConsumer {
      first = ''
      override async connect(): Promise<void> {
        this.first = 'set'
        await this.accept()
      }
    }
    class SecondConsumer extends JsonWebsocketConsumer {
      second = ''
      override async connect(): Promise<void> {
        this.second = 'set'
        await this.accept()
      }
    }
    await using client = await open(
      Demultiplexer({ first: FirstConsumer.asApplication(), second: SecondConsumer.asApplication() }),
    )

    const record = await client.gateway.store.load(client.channelName)

    expect(record?.scope['remembered']).toMatchObject({
      fields: { FirstConsumer: ['first'], SecondConsumer: ['second'] },
    })
  })

  test('a Demultiplexer may be a stream of another', async () => {
    class EchoConsumer extends JsonWebsocketConsumer {
      override async receiveJson(content: unknown): Promise<void> {
        await this.sendJson(content)
      }
    }
    await using client = await open(
      Demultiplexer({ outer: Demultiplexer({ inner: EchoConsumer.asApplication() }) }),
    )

    await client.sendJsonTo({ stream: 'outer', payload: { stream: 'inner', payload: 1 } })

    expect(await client.receiveJsonFrom()).toEqual({
      stream: 'outer',
      payload: { stream: 'inner', payload: 1 },
    })
  })

  test.each([
    [{}, 'Demultiplexer got no streams'],
    [{ 'a.b': chat }, 'Demultiplexer has a stream named "a.b": use 1 to 40 letters, digits, "_" and "-"'],
    [{ '': chat }, 'Demultiplexer has a stream named ""'],
  ])('streams that cannot be are an error when they are given (%#)', (streams, message) => {
    expect(() => Demultiplexer(streams as Record<string, typeof chat>)).toThrow(ConfigurationError)
    expect(() => Demultiplexer(streams as Record<string, typeof chat>)).toThrow(message)
  })
})
