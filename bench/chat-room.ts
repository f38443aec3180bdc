import { WebSocket } from 'ws'

/** How many sockets open at the same time. */
const OPENING = 50

interface Waiting {
  readonly sentAt: number
  remaining: number
  readonly done: (ms: number) => void
}

/** Sockets in one room of the chat, and the messages that are on their way to all of them. */
export class ChatRoom {
  readonly sockets: WebSocket[] = []
  /** Deliveries counted so far. */
  delivered = 0
  /** Deliveries of a message that had arrived everywhere already. */
  duplicates = 0
  readonly #url: string
  readonly #waiting = new Map<string, Waiting>()
  #sent = 0

  constructor(origin: string, room: string) {
    this.#url = `${origin.replace('http', 'ws')}/ws/chat/${room}/`
  }

  /** Opens `count` sockets, some at a time; resolves to the seconds it took. */
  async open(count: number): Promise<number> {
    const start = performance.now()
    let left = count
    const opener = async (): Promise<void> => {
      while (left-- > 0) await this.#openOne()
    }
    await Promise.all(Array.from({ length: Math.min(OPENING, count) }, opener))
    return (performance.now() - start) / 1000
  }

  /** Sends one message from one socket; resolves to the milliseconds until its last delivery. */
  send(sender: number, padding = 64): Promise<number> {
    const id = `${this.#sent++}`
    const { promise, resolve } = Promise.withResolvers<number>()
    this.#waiting.set(id, { sentAt: performance.now(), remaining: this.sockets.length, done: resolve })
    this.sockets[sender % this.sockets.length]?.send(
      JSON.stringify({ message: `${id}#`.padEnd(padding, '.') }),
    )
    return promise
  }

  /** Deliveries that are still missing. */
  get missing(): number {
    return [...this.#waiting.values()].reduce((sum, { remaining }) => sum + remaining, 0)
  }

  async close(): Promise<void> {
    await Promise.all(
      this.sockets.map((socket) => {
        const closed = new Promise((resolve) => socket.once('close', resolve))
        socket.close()
        return closed
      }),
    )
  }

  #openOne(): Promise<void> {
    const socket = new WebSocket(this.#url, { perMessageDeflate: false })
    socket.on('message', (data: Buffer) => this.#receive(data))
    return new Promise((resolve, reject) => {
      socket.once('open', () => {
        this.sockets.push(socket)
        resolve()
      })
      socket.once('error', reject)
    })
  }

  #receive(data: Buffer): void {
    // {"message":"<id>#…: parsing JSON would measure the client.
    const id = data.toString('latin1', 12, data.indexOf(35))
    const waiting = this.#waiting.get(id)
    if (waiting === undefined) {
      this.duplicates++
      return
    }
    this.delivered++
    if (--waiting.remaining > 0) return
    this.#waiting.delete(id)
    waiting.done(performance.now() - waiting.sentAt)
  }
}
