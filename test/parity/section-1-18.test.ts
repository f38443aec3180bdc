import { expect, test } from 'vitest'
import { startLiveServer } from '../../local/index.ts'
import { MemoryWorkerQueue } from '../../shared/backends/memory/index.ts'
import {
  type Application,
  ChannelNameRouter,
  type ChannelScope,
  ConfigurationError,
  Consumer,
  type Message,
  ProtocolTypeRouter,
  WebsocketConsumer,
} from '../../shared/index.ts'
import { TestClient } from '../simulator/support/clients.ts'
import { batchOf, failuresOf, jobBody, workerWorld } from '../support/worker-world.ts'

// 1.18 Workers

const print = { type: 'page.print', page: 7 }

type Print = (consumer: Consumer<ChannelScope>, event: Message) => Promise<void> | void

/** A worker that does this for each page. */
function worker(act: Print): Application<ChannelScope> {
  class PrintConsumer extends Consumer<ChannelScope> {
    async pagePrint(event: Message): Promise<void> {
      await act(this, event)
    }
  }
  return PrintConsumer.asApplication()
}

test('`runworker`', async () => {
  class PageConsumer extends WebsocketConsumer {
    override readonly groups = ['pages']
    override async receive(page: string): Promise<void> {
      await this.channelLayer.send('printer', { ...print, page })
    }
    async pageReady({ page }: Message): Promise<void> {
      await this.send(JSON.stringify(page))
    }
  }
  const printer = worker(({ channelLayer }, { page = null }) =>
    channelLayer.groupSend('pages', { type: 'page.ready', page }).then(() => undefined),
  )
  await using server = await startLiveServer({
    application: ProtocolTypeRouter({
      websocket: PageConsumer.asApplication(),
      channel: ChannelNameRouter({ printer }),
    }),
  })
  await using client = await TestClient.open(server.websocketUrl)

  client.send('one')

  expect(await client.next()).toBe('"one"')
})

test('no layer: `CommandError`', async () => {
  const workers = { statistics: new MemoryWorkerQueue() }
  const world = workerWorld({ printer: worker(() => {}) }, { workers })

  const sent = world.layer.send('printer', print)

  await expect(sent).rejects.toThrow(ConfigurationError)
  await expect(sent).rejects.toThrow(/worker channel "printer" has no queue.*CHANNELS_WORKER_QUEUES/)
})

test('scope `{type: "channel", channel}`', async () => {
  const scopes: unknown[] = []
  const printer = worker(({ scope: { type, channel, jobId, receiveCount } }) => {
    scopes.push({ type, channel, jobId, receiveCount })
  })

  await workerWorld({ printer }).workOn(batchOf([jobBody('printer', print, 'one')], 3))

  expect(scopes).toEqual([{ type: 'channel', channel: 'printer', jobId: 'one', receiveCount: 3 }])
})

test('a message without a type ends the listener', async () => {
  let runs = 0
  const world = workerWorld({ printer: worker(() => void (runs += 1)) })
  const good = jobBody('printer', print)

  const result = await world.workOn(batchOf([good, jobBody('printer', { page: 1 }), good]))

  expect([failuresOf(result), runs]).toEqual([['m1'], 2])
  expect(world.logged('error')).toHaveLength(1)
})

test('one instance per channel, shared by its messages', async () => {
  const consumers: object[] = []
  const world = workerWorld({ printer: worker((consumer) => void consumers.push(consumer)) })

  await world.workOn(batchOf([jobBody('printer', print, 'one'), jobBody('printer', print, 'two')]))

  expect(new Set(consumers).size).toBe(2)
})

test('`self.send` is `NotImplementedError`', async () => {
  class Sending extends Consumer<ChannelScope> {
    async pagePrint(): Promise<void> {
      await this.sendMessage({ type: 'websocket.send', text: 'hello' })
    }
  }
  const world = workerWorld({ printer: Sending.asApplication() })

  expect(failuresOf(await world.workOn(batchOf([jobBody('printer', print)])))).toEqual(['m0'])

  expect(String(world.failures[0]?.error)).toMatch(/a worker has no client: use this\.channelLayer/)
})

test('at most once', async () => {
  const runs: unknown[] = []
  const failing = worker(({ scope: { channel, receiveCount } }) => {
    runs.push([channel, receiveCount])
    throw new Error('no paper')
  })
  const world = workerWorld({ again: failing, once: { application: failing, guarantee: 'at-most-once' } })
  const bodies = [jobBody('again', print), jobBody('once', print)]

  const first = await world.workOn(batchOf(bodies, 1))
  const second = await world.workOn(batchOf(bodies, 2))

  expect([failuresOf(first), failuresOf(second)]).toEqual([['m0'], ['m0']])
  expect(runs).toEqual([
    ['again', 1],
    ['once', 1],
    ['again', 2],
  ])
})

test('no delayed jobs', async () => {
  let runs = 0
  const world = workerWorld({ printer: worker(() => void (runs += 1)) })
  await world.layer.send('printer', print, { delaySeconds: 60 })

  await world.clock.advance(59_999)
  await world.work()
  expect(runs).toBe(0)

  await world.clock.advance(1)
  await world.work()
  expect(runs).toBe(1)
})

test('an exception is logged, and the next message runs', async () => {
  const failure = new Error('no paper')
  const pages: unknown[] = []
  const printer = worker((_, { page }) => {
    if (page === 1) throw failure
    pages.push(page)
  })
  const world = workerWorld({ printer })

  const result = await world.workOn(
    batchOf([1, 2].map((page) => jobBody('printer', { type: 'page.print', page }))),
  )

  expect([failuresOf(result), pages]).toEqual([['m0'], [2]])
  expect(world.logged('error')).toMatchObject([{ details: { channelName: 'printer', error: failure } }])
  expect(world.failures).toMatchObject([{ error: failure, context: { channelName: 'printer' } }])
})
