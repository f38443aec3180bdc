import { expect, test } from 'vitest'
import type { ChannelScope } from '../../../shared/application.ts'
import { Consumer } from '../../../shared/consumers/consumer.ts'
import { JsonWebsocketConsumer } from '../../../shared/consumers/json-websocket-consumer.ts'
import type { Message } from '../../../shared/message.ts'
import { ChannelNameRouter } from '../../../shared/routing/channel-name-router.ts'
import { ProtocolTypeRouter } from '../../../shared/routing/protocol-type-router.ts'
import { ApplicationCommunicator } from '../../../shared/testing/application-communicator.ts'
import { ManualClock } from '../../../shared/testing/manual-clock.ts'
import { TestGateway } from '../../../shared/testing/test-gateway.ts'
import { WebsocketCommunicator } from '../../../shared/testing/websocket-communicator.ts'

/** Asks a worker for what its client wants, and tells the client when it is there. */
class PageConsumer extends JsonWebsocketConsumer {
  override async receiveJson(content: unknown): Promise<void> {
    const delaySeconds = content === 'later' ? 60 : 0
    const job = { type: 'page.print', page: String(content), replyTo: this.channelName }
    await this.channelLayer.send('printer', job, { delaySeconds })
  }

  async pageReady({ page }: Message): Promise<void> {
    await this.sendJson({ page: page ?? null })
  }
}

class PrintConsumer extends Consumer<ChannelScope> {
  async pagePrint({ page = null, replyTo }: Message & { replyTo: string }): Promise<void> {
    if (page === 'poison') throw new RangeError('no such page')
    await this.channelLayer.send(replyTo, { type: 'page.ready', page })
  }
}

const application = ProtocolTypeRouter({
  websocket: PageConsumer.asApplication(),
  channel: ChannelNameRouter({ printer: PrintConsumer.asApplication() }),
})

test('a job that a consumer sends runs when the test says so, and its answer arrives', async () => {
  await using client = new WebsocketCommunicator(application, '/')
  await client.connect()

  await client.sendJsonTo('7')
  expect([client.gateway.jobs.size, await client.receiveNothing(10)]).toEqual([1, true])
  await client.gateway.runJobs()

  expect(await client.receiveJsonFrom()).toEqual({ page: '7' })
  expect(client.gateway.counts.get('jobDone')).toBe(1)
})

test('a delayed job runs when the clock has come so far', async () => {
  const clock = new ManualClock()
  const gateway = new TestGateway(application, { clock })
  await using client = new WebsocketCommunicator(application, '/', { gateway })
  await client.connect()

  await client.sendJsonTo('later')
  await gateway.runJobs()
  expect(gateway.jobs.size).toBe(1)
  await clock.advance(60_000)
  await gateway.runJobs()

  expect(await client.receiveJsonFrom()).toEqual({ page: 'later' })
})

test('what a job throws is thrown by runJobs(), and the other jobs have run', async () => {
  await using client = new WebsocketCommunicator(application, '/', { gateway: new TestGateway(application) })
  await client.connect()
  await client.sendJsonTo('poison')
  await client.sendJsonTo('7')

  await expect(client.gateway.runJobs()).rejects.toThrow(RangeError)

  expect(await client.receiveJsonFrom()).toEqual({ page: '7' })
  await client.gateway.runJobs()
})

test('a worker alone is tested as any application', async () => {
  const worker = new ApplicationCommunicator<ChannelScope>(PrintConsumer.asApplication(), {
    type: 'channel',
    channel: 'printer',
  })

  await expect(worker.sendInput({ type: 'page.print', page: 'poison' })).rejects.toThrow('no such page')
})

test('a worker alone is told its channel, and a job', async () => {
  const seen: unknown[] = []
  class TestConsumer extends Consumer<ChannelScope> {
    pagePrint(): void {
      seen.push([this.channelName, this.scope.jobId, this.scope.receiveCount])
    }
  }
  const scope = { type: 'channel', channel: 'printer' } as const
  const again = { ...scope, receiveCount: 2 }

  for (const given of [scope, again])
    await new ApplicationCommunicator<ChannelScope>(TestConsumer.asApplication(), given).sendInput({
      type: 'page.print',
    })

  expect(seen).toEqual([
    ['printer', 'test-job', 1],
    ['printer', 'test-job', 2],
  ])
})
