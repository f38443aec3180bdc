import { once } from 'node:events'
import { expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { startLiveServer } from '../../local/live-server.ts'
import { MemoryChannelStore } from '../../shared/backends/memory/memory-channel-store.ts'
import { Consumer } from '../../shared/consumers/consumer.ts'
import type { ChannelScope } from '../../shared/application.ts'
import type { FetchEnvironment } from '../../shared/consumers/fetch-application.ts'
import { WebsocketConsumer } from '../../shared/consumers/websocket-consumer.ts'
import { ChannelNameRouter } from '../../shared/routing/channel-name-router.ts'
import { ProtocolTypeRouter } from '../../shared/routing/protocol-type-router.ts'
import { RoomConsumer } from '../support/room-consumer.ts'

class TickerConsumer extends WebsocketConsumer {
  override readonly groups = ['ticker']
}

async function open(url: string): Promise<WebSocket> {
  const socket = new WebSocket(url)
  await once(socket, 'open')
  return socket
}

async function nextText(socket: WebSocket): Promise<string> {
  const [data] = await once(socket, 'message')
  return String(data)
}

test('serves an application to real sockets, on a port of its own, until it is disposed of', async () => {
  const application = RoomConsumer.asApplication()
  let socket: WebSocket
  {
    await using one = await startLiveServer({ application })
    await using other = await startLiveServer({ application })
    expect(one.port).not.toBe(other.port)
    socket = await open(`${one.url}/ws/room/`.replace('http', 'ws'))
    expect(one.connections.count).toBe(1)
    expect(other.connections.count).toBe(0)
  }
  if (socket.readyState !== WebSocket.CLOSED) await once(socket, 'close')
  expect(socket.readyState).toBe(WebSocket.CLOSED)
})

test('each event meets a cold container: what is no state is lost', async () => {
  class Forgetful extends WebsocketConsumer {
    count = 0
    override state = { count: 0 }

    override async receive(): Promise<void> {
      this.count += 1
      this.state.count += 1
      await this.send(`${this.count} ${this.state.count}`)
    }
  }
  await using server = await startLiveServer({ application: Forgetful.asApplication() })
  const socket = await open(server.websocketUrl)

  socket.send('')
  expect(await nextText(socket)).toBe('1 1')
  socket.send('')
  expect(await nextText(socket)).toBe('1 2')
})

test('what is sent before the socket is open arrives, and jobs run in workers', async () => {
  class Asking extends WebsocketConsumer {
    override async connect(): Promise<void> {
      await this.accept()
      await this.send('welcome')
    }

    override async receive(text: string): Promise<void> {
      await this.channelLayer.send('shout', { type: 'shout.out', text, to: this.channelName })
    }

    async shoutDone({ text }: { readonly text: string }): Promise<void> {
      await this.send(text)
    }
  }
  class Shouter extends Consumer<ChannelScope> {
    async shoutOut({ text, to }: { readonly text: string; readonly to: string }): Promise<void> {
      await this.channelLayer.send(to, { type: 'shout.done', text: text.toUpperCase() })
    }
  }
  const application = ProtocolTypeRouter({
    websocket: Asking.asApplication(),
    channel: ChannelNameRouter({ shout: Shouter.asApplication() }),
  })
  await using server = await startLiveServer({ application })
  const socket = await open(server.websocketUrl)
  expect(await nextText(socket)).toBe('welcome')

  socket.send('hello')

  expect(await nextText(socket)).toBe('HELLO')
})

test('the store may be a test’s own, to look into', async () => {
  const store = new MemoryChannelStore()
  await using server = await startLiveServer({ application: RoomConsumer.asApplication(), store })

  await open(server.websocketUrl)

  const [id = ''] = server.connections.ids()
  expect(await store.load(id)).toBeDefined()
})

test('pages and sockets are on one address, and a page reaches the sockets', async () => {
  const application = ProtocolTypeRouter({
    http: async (request: Request, { channelLayer }: FetchEnvironment) => {
      const { delivered } = await channelLayer.groupSendFrame('ticker', await request.text())
      return Response.json({ delivered })
    },
    websocket: TickerConsumer.asApplication(),
  })
  await using server = await startLiveServer({ application })
  const socket = await open(`${server.url}/ws/ticker/`)
  const text = nextText(socket)

  const response = await fetch(server.url, { method: 'POST', body: 'tick' })

  expect(await response.json()).toEqual({ delivered: 1 })
  expect(await text).toBe('tick')
})

test('a page that is asked for where there is none is a 404, and the server goes on', async () => {
  await using server = await startLiveServer({
    application: ProtocolTypeRouter({ websocket: TickerConsumer.asApplication() }),
  })

  expect((await fetch(server.url)).status).toBe(404)
  expect((await open(`${server.url}/ws/`)).readyState).toBe(WebSocket.OPEN)
})
