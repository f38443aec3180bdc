import { setTimeout as sleep } from 'node:timers/promises'
import { ChatRoom } from './chat-room.ts'
import { DevProcess } from './dev-process.ts'
import { quantile, report, round } from './report.ts'

const SECONDS = 5
/** Messages on their way at the same time in the throughput case. */
const WINDOW = 16
const DRAIN_MS = 5_000

/** The chat of `npm run dev`, on the DynamoDB layer, with every delivery posted over HTTP. */
export async function run(): Promise<void> {
  await using server = await DevProcess.start()
  for (const size of [100, 1_000]) await room(server, size)
  await burst(server)
  await pingPong(server)
}

async function room(server: DevProcess, size: number): Promise<void> {
  const before = server.memoryKiB
  const chat = new ChatRoom(server.url, `bench-${size}`)
  const seconds = await chat.open(size)
  const after = server.memoryKiB
  report('chat connect', {
    room: size,
    connectsPerSecond: round(size / seconds),
    kibPerConnection:
      before === undefined || after === undefined ? undefined : round((after - before) / size),
  })
  const latencies = await keepSending(chat, 1)
  report('chat latency', {
    room: size,
    messages: latencies.length,
    lastP50Ms: quantile(latencies, 0.5),
    lastP99Ms: quantile(latencies, 0.99),
  })

  const deliveredBefore = chat.delivered
  const start = performance.now()
  const loaded = await keepSending(chat, WINDOW)
  const elapsed = (performance.now() - start) / 1000
  await drained(chat)
  report('chat throughput', {
    room: size,
    messagesPerSecond: round(loaded.length / elapsed),
    deliveriesPerSecond: round((chat.delivered - deliveredBefore) / elapsed),
    lastP50Ms: quantile(loaded, 0.5),
    lastP99Ms: quantile(loaded, 0.99),
    missing: chat.missing,
    duplicates: chat.duplicates,
  })
  await chat.close()
}

/** 20 senders put 25 messages each into a room of 100, at once. */
async function burst(server: DevProcess): Promise<void> {
  const chat = new ChatRoom(server.url, 'bench-burst')
  await chat.open(100)
  const start = performance.now()
  await Promise.race([
    Promise.all(Array.from({ length: 500 }, (_, index) => chat.send(index % 20))),
    sleep(60_000),
  ])
  report('chat burst', {
    room: 100,
    messages: 500,
    seconds: round((performance.now() - start) / 1000),
    due: 50_000,
    missing: chat.missing,
    duplicates: chat.duplicates,
  })
  await chat.close()
}

/** 100 rooms of two; in each, one message is on its way at a time. */
async function pingPong(server: DevProcess): Promise<void> {
  const rooms = Array.from({ length: 100 }, (_, index) => new ChatRoom(server.url, `bench-pair-${index}`))
  for (const pair of rooms) await pair.open(2)
  const start = performance.now()
  const latencies = (await Promise.all(rooms.map((pair) => keepSending(pair, 1)))).flat()
  const elapsed = (performance.now() - start) / 1000
  report('chat ping-pong', {
    rooms: 100,
    messagesPerSecond: round(latencies.length / elapsed),
    lastP50Ms: quantile(latencies, 0.5),
    lastP99Ms: quantile(latencies, 0.99),
    missing: rooms.reduce((sum, pair) => sum + pair.missing, 0),
  })
  await Promise.all(rooms.map((pair) => pair.close()))
}

/** Keeps `window` messages on their way for some seconds; resolves to the latency of each. */
async function keepSending(chat: ChatRoom, window: number): Promise<number[]> {
  const latencies: number[] = []
  const end = performance.now() + SECONDS * 1000
  const sender = async (index: number): Promise<void> => {
    for (let turn = 0; performance.now() < end; turn++) latencies.push(await chat.send(index + turn * window))
  }
  await Promise.all(Array.from({ length: window }, (_, index) => sender(index)))
  return latencies
}

async function drained(chat: ChatRoom): Promise<void> {
  for (let waited = 0; chat.missing > 0 && waited < DRAIN_MS; waited += 50) await sleep(50)
}
