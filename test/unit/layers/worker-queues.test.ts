import { expect, test } from 'vitest'
import { MemoryChannelStore } from '../../../shared/backends/memory/memory-channel-store.ts'
import { MemoryDeliveryQueue } from '../../../shared/backends/memory/memory-delivery-queue.ts'
import { MemoryWorkerQueue } from '../../../shared/backends/memory/memory-worker-queue.ts'
import type { ChannelLayer } from '../../../shared/channel-layer.ts'
import {
  ConfigurationError,
  InvalidMessageError,
  MessageTooLargeError,
  NotSupportedError,
  UnknownChannelError,
} from '../../../shared/errors.ts'
import { createChannelLayer } from '../../../shared/layers/create-channel-layer.ts'
import { ManualClock } from '../../../shared/testing/manual-clock.ts'
import type { WorkerQueue } from '../../../shared/stores/worker-queue.ts'
import { workerWorld } from '../../support/worker-world.ts'

const endpoint = 'https://abc.execute-api.eu-west-1.amazonaws.com/prod'
const print = { type: 'page.print', page: 7 }

/** A layer of a process in which no application runs. */
function outside(workers: Readonly<Record<string, WorkerQueue>>): ChannelLayer {
  return createChannelLayer({
    store: new MemoryChannelStore(),
    queue: new MemoryDeliveryQueue(),
    endpoint,
    workers,
  })
}

function bodiesOf(queue: MemoryWorkerQueue): unknown[] {
  return queue.take().Records.map(({ body }) => JSON.parse(body) as unknown)
}

test('a message for a worker channel becomes a job with an id of its own in the queue of that channel', async () => {
  const [printer, others] = [new MemoryWorkerQueue(), new MemoryWorkerQueue()]
  const layer = outside({ printer, '*': others })

  await layer.send('printer', print)
  await layer.send('printer', print)
  await layer.send('statistics', { type: 'page.count' })

  const jobs = bodiesOf(printer) as { readonly id: string }[]
  expect(jobs).toEqual([
    { id: expect.any(String) as string, channel: 'printer', message: print },
    { id: expect.any(String) as string, channel: 'printer', message: print },
  ])
  expect(jobs[0]?.id).not.toBe(jobs[1]?.id)
  expect(bodiesOf(others)).toMatchObject([{ channel: 'statistics', message: { type: 'page.count' } }])
})

test('a consumer sends to a worker as to any channel, and no connection is looked for', async () => {
  const seen: unknown[] = []
  const world = workerWorld({ printer: async ({ channel }, message) => void seen.push([channel, message]) })
  await world.layer.send('printer', print)
  expect(seen).toEqual([])
  await world.work()

  expect(seen).toEqual([['printer', print]])
  expect(world.store.calls).toEqual([])
})

test('a job can send the next one, to its own channel too', async () => {
  const pages: unknown[] = []
  const world = workerWorld({
    printer: async ({ connection }, { page }) => {
      pages.push(page)
      if (page === 1) await connection.channelLayer('default').send('printer', { ...print, page: 2 })
    },
  })

  await world.layer.send('printer', { ...print, page: 1 })
  await world.work()
  await world.work()

  expect(pages).toEqual([1, 2])
})

test('a delayed job is kept back', async () => {
  const seen: unknown[] = []
  const world = workerWorld({ printer: async (_, message) => void seen.push(message) })

  await world.layer.send('printer', print, { delaySeconds: 60 })
  await world.clock.advance(59_999)
  await world.work()
  expect(seen).toEqual([])
  await world.clock.advance(1)
  await world.work()

  expect(seen).toEqual([print])
})

test.each([-1, 1.5, 901, Number.NaN, Number.POSITIVE_INFINITY])(
  'a delay of %d seconds is refused, and nothing is put',
  async (delaySeconds) => {
    const queue = new MemoryWorkerQueue()
    const call = outside({ printer: queue }).send('printer', print, { delaySeconds })

    await expect(call).rejects.toThrow(NotSupportedError)
    await expect(call).rejects.toThrow(
      `delaySeconds ${delaySeconds}: a queue keeps a message back for 0 to 900`,
    )
    expect(queue.size).toBe(0)
  },
)

test('only messages for workers can be delayed', async () => {
  const layer = outside({ printer: new MemoryWorkerQueue() })

  for (const channel of ['a=', await layer.newChannel()]) {
    const call = layer.send(channel, print, { delaySeconds: 1 })
    await expect(call).rejects.toThrow(NotSupportedError)
    await expect(call).rejects.toThrow('it is no worker channel here')
  }
})

test('what cannot travel is put into no queue', async () => {
  const queue = new MemoryWorkerQueue()
  const layer = outside({ printer: queue })

  await expect(layer.send('printer', { type: 'websocket.send' })).rejects.toThrow(InvalidMessageError)
  await expect(layer.send('printer', { type: 'a', text: 'x'.repeat(131_072) })).rejects.toThrow(
    MessageTooLargeError,
  )
  expect(queue.size).toBe(0)
})

test('a channel that the application serves and nobody gave a queue says which setting is missing', async () => {
  const others = new MemoryWorkerQueue()
  const world = workerWorld({ printer: async () => {} }, { workers: { statistics: others } })
  const call = world.layer.send('printer', print)

  await expect(call).rejects.toThrow(ConfigurationError)
  await expect(call).rejects.toThrow(
    'worker channel "printer" has no queue: this runtime has queues for "statistics"; add "printer" to the workers of the Runtime, which functions/ reads from CHANNELS_WORKER_QUEUES',
  )
  expect(others.size).toBe(0)
})

test('the queue for all others takes nothing that the application does not serve', async () => {
  const world = workerWorld({ printer: async () => {} })
  const call = world.layer.send('pinter', print)

  await expect(call).rejects.toThrow(UnknownChannelError)
  await expect(call).rejects.toThrow(
    'there is no channel "pinter": it is no connection, and the worker channels are "printer"; correct the name',
  )
  expect([world.jobs.size, world.queue.size]).toEqual([0, 0])
})

test('where no application runs, a channel without a queue is told from a connection by its name', async () => {
  const layer = outside({ printer: new MemoryWorkerQueue() })

  await expect(layer.send('pinter', print)).rejects.toThrow('the worker channels are "printer"')
  await expect(outside({}).send('printer', print)).rejects.toThrow('no worker channels are known here')
  await expect(layer.send('gone=', print)).resolves.toBeUndefined()
})

test('a connection whose id looks like no other is still reached', async () => {
  const world = workerWorld({ printer: async () => {} })
  await world.open('odd')

  await world.layer.send('odd', { type: 'room.say', text: 'hello' })

  expect(world.frames('odd')).toEqual(['hello'])
})

test('a queue in memory hands out what is due, once', async () => {
  const clock = new ManualClock()
  const queue = new MemoryWorkerQueue({ clock })
  const job = { id: '1', channel: 'printer', message: print }
  await queue.enqueue([job, { ...job, id: '2' }])
  await queue.enqueue([{ ...job, id: '3' }], { delaySeconds: 1 })

  expect(bodiesOf(queue)).toMatchObject([{ id: '1' }, { id: '2' }])
  expect([queue.size, bodiesOf(queue)]).toEqual([1, []])
  await clock.advance(1_000)
  expect(bodiesOf(queue)).toMatchObject([{ id: '3' }])
})
