import { afterEach, beforeEach, expect, test, vi } from 'vitest'

interface State {
  readonly name: 'connecting' | 'connected' | 'waiting'
  readonly retryAt?: number
  readonly failures?: number
  readonly wasConnected?: boolean
}
interface ReconnectingSocket {
  connect(): void
  send(text: string): boolean
  stop(): void
}
interface Module {
  readonly retryDelayMs: (failures: number, random?: () => number) => number
  readonly ReconnectingSocket: new (
    url: string,
    listeners: { onState: (state: State) => void; onMessage: (text: string) => void },
  ) => ReconnectingSocket
}

// The pages are plain JavaScript, without types of their own.
const url = new URL('../../../../examples/chat/pages/reconnecting-socket.js', import.meta.url).href
const { retryDelayMs, ReconnectingSocket } = (await import(url)) as Module

class FakeWebSocket extends EventTarget {
  static readonly OPEN = 1
  static readonly opened: FakeWebSocket[] = []
  readonly url: string
  readonly sent: string[] = []
  readyState = 0

  constructor(url: string) {
    super()
    this.url = url
    FakeWebSocket.opened.push(this)
  }

  send(text: string): void {
    this.sent.push(text)
  }

  close(): void {
    this.drop()
  }

  open(): void {
    this.readyState = 1
    this.dispatchEvent(new Event('open'))
  }

  drop(): void {
    this.readyState = 3
    this.dispatchEvent(new Event('close'))
  }
}

beforeEach(() => {
  vi.useFakeTimers()
  vi.stubGlobal('WebSocket', FakeWebSocket)
  FakeWebSocket.opened.length = 0
})

afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
})

function start() {
  const states: State[] = []
  const messages: string[] = []
  const socket = new ReconnectingSocket('ws://host/', {
    onState: (state) => states.push(state),
    onMessage: (text) => messages.push(text),
  })
  socket.connect()
  return { socket, states, messages, last: () => states.at(-1) }
}

function newest(): FakeWebSocket {
  const socket = FakeWebSocket.opened.at(-1)
  if (!socket) throw new Error('no socket was opened')
  return socket
}

test('the wait is random over a range that doubles with each failure, up to 30 s', () => {
  const longest = [0, 1, 2, 3, 4, 5, 6, 2000].map((failures) => retryDelayMs(failures, () => 1))

  expect(longest).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000])
  expect(retryDelayMs(10, () => 0)).toBe(0)
})

test('a lost connection is opened again after the wait', () => {
  vi.spyOn(Math, 'random').mockReturnValue(0.5)
  const { states } = start()
  newest().open()

  newest().drop()
  vi.advanceTimersByTime(499)
  const openedTooEarly = FakeWebSocket.opened.length
  vi.advanceTimersByTime(1)

  expect(openedTooEarly).toBe(1)
  expect(FakeWebSocket.opened).toHaveLength(2)
  expect(states.map((state) => state.name)).toEqual(['connecting', 'connected', 'waiting', 'connecting'])
})

test('a socket that never opened says so, and how often it failed', () => {
  const { last } = start()

  newest().drop()
  vi.advanceTimersByTime(1000)
  newest().drop()

  expect(last()).toMatchObject({ name: 'waiting', wasConnected: false, failures: 2 })
})

test('a connection that is cut at once does not start the waits over', () => {
  const { last } = start()

  for (let round = 0; round < 4; round += 1) {
    newest().open()
    newest().drop()
    vi.advanceTimersByTime(30_000)
  }
  newest().open()
  newest().drop()

  expect(last()).toMatchObject({ failures: 5, wasConnected: true })
})

test('a connection that held starts them over', () => {
  const { last } = start()
  newest().drop()
  vi.advanceTimersByTime(1000)
  newest().drop()
  vi.advanceTimersByTime(2000)

  newest().open()
  vi.advanceTimersByTime(5000)
  newest().drop()

  expect(last()).toMatchObject({ failures: 1 })
})

test('connect() during a wait connects at once, and only once', () => {
  const { socket } = start()
  newest().drop()

  socket.connect()
  socket.connect()
  vi.advanceTimersByTime(60_000)

  expect(FakeWebSocket.opened).toHaveLength(2)
})

test('text is sent over an open socket, and refused otherwise', () => {
  const { socket } = start()
  const whileOpening = socket.send('early')
  newest().open()
  const whileOpen = socket.send('hello')
  const used = newest()
  used.drop()
  const afterwards = socket.send('late')

  expect([whileOpening, whileOpen, afterwards]).toEqual([false, true, false])
  expect(used.sent).toEqual(['hello'])
})

test('messages are passed on, from the second socket too', () => {
  const { messages } = start()
  newest().open()
  newest().dispatchEvent(new MessageEvent('message', { data: 'one' }))
  newest().drop()
  vi.advanceTimersByTime(1000)
  newest().dispatchEvent(new MessageEvent('message', { data: 'two' }))

  expect(messages).toEqual(['one', 'two'])
})

test('stop() ends it', () => {
  const { socket, states } = start()
  newest().open()

  socket.stop()
  vi.advanceTimersByTime(60_000)

  expect(FakeWebSocket.opened).toHaveLength(1)
  expect(states.at(-1)?.name).toBe('connected')
})
