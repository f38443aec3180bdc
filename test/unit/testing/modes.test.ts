import { expect, test } from 'vitest'
import { WebsocketConsumer } from '../../../shared/consumers/websocket-consumer.ts'
import { TestGateway, type TestMode } from '../../../shared/testing/test-gateway.ts'
import { WebsocketCommunicator } from '../../../shared/testing/websocket-communicator.ts'

class EchoConsumer extends WebsocketConsumer {
  override async receive(text: string): Promise<void> {
    await this.send(text)
  }
}

/** Whether a stateless event is handled once the connection's record is gone: only who remembers the scope can. */
async function isHandledWithoutRecord(mode: TestMode): Promise<boolean> {
  const application = EchoConsumer.asApplication()
  const gateway = new TestGateway(application, { mode })
  const client = new WebsocketCommunicator(application, '/', { gateway })
  await client.connect()
  await gateway.store.remove(client.channelName)
  await client.sendTo('hello')
  return !(await client.receiveNothing(1))
}

test('cold, an event finds what is stored, and nothing else', async () => {
  expect(await isHandledWithoutRecord('cold')).toBe(false)
})

test('warm, an event finds what the container remembers, too', async () => {
  expect(await isHandledWithoutRecord('warm')).toBe(true)
})

/** Two frames of one connection meet in it only if they are handled at the same time. */
function meetingPoint(): { readonly meet: () => Promise<void> } {
  let isOneThere = false
  const both = Promise.withResolvers<void>()
  return {
    meet: async () => {
      if (isOneThere) both.resolve()
      isOneThere = true
      await both.promise
    },
  }
}

test('concurrent, frames of one connection are handled at the same time', async () => {
  const { meet } = meetingPoint()
  class MeetingConsumer extends WebsocketConsumer {
    override async receive(): Promise<void> {
      await meet()
      await this.send('met')
    }
  }
  const application = MeetingConsumer.asApplication()
  const gateway = new TestGateway(application, { mode: 'concurrent' })
  await using client = new WebsocketCommunicator(application, '/', { gateway })
  await client.connect()

  await client.sendTo('one')
  await client.sendTo('two')
  await client.wait()

  expect(await client.receiveFrom()).toBe('met')
  expect(await client.receiveFrom()).toBe('met')
})

test('concurrent, what a handler throws is thrown by wait()', async () => {
  class FailingConsumer extends WebsocketConsumer {
    override async receive(): Promise<void> {
      await new Promise((resolve) => setImmediate(resolve))
      throw new Error('no')
    }
  }
  const application = FailingConsumer.asApplication()
  const gateway = new TestGateway(application, { mode: 'concurrent' })
  const client = new WebsocketCommunicator(application, '/', { gateway })
  await client.connect()

  await client.sendTo('one')

  await expect(client.wait()).rejects.toThrow('no')
})

test('concurrent, a client waits for its own frames, and leaves while those of another are handled', async () => {
  const released = Promise.withResolvers<void>()
  class SlowConsumer extends WebsocketConsumer {
    override async receive(text: string): Promise<void> {
      if (text === 'slow') await released.promise
      await this.send(text)
    }
  }
  const application = SlowConsumer.asApplication()
  const gateway = new TestGateway(application, { mode: 'concurrent' })
  await using slow = new WebsocketCommunicator(application, '/', { gateway })
  await slow.connect()
  {
    await using quick = new WebsocketCommunicator(application, '/', { gateway })
    await quick.connect()
    await slow.sendTo('slow')
    await quick.sendTo('quick')
    await quick.wait()
    expect(await quick.receiveFrom()).toBe('quick')
  }
  expect(await slow.receiveNothing(1)).toBe(true)

  released.resolve()
  await gateway.idle()

  expect(await slow.receiveFrom()).toBe('slow')
})

test('a time-out throws, and the application runs on: what it sends later is received', async () => {
  const released = Promise.withResolvers<void>()
  class SlowConsumer extends WebsocketConsumer {
    override async receive(): Promise<void> {
      await released.promise
      await this.send('late')
    }
  }
  const application = SlowConsumer.asApplication()
  const gateway = new TestGateway(application, { mode: 'concurrent' })
  await using client = new WebsocketCommunicator(application, '/', { gateway })
  await client.connect()
  await client.sendTo('go')

  await expect(client.receiveFrom(1)).rejects.toThrow('no frame arrived within 1 ms')
  released.resolve()

  expect(await client.receiveFrom(30_000)).toBe('late')
  expect(client.isClosed).toBe(false)
})
