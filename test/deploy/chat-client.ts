import { once } from 'node:events'
import { WebSocket } from 'ws'
import { Inbox } from '../../shared/testing/inbox.ts'

const PATIENCE_MS = 60_000

/** A client of the deployed chat, which keeps what it receives. */
export class ChatClient implements AsyncDisposable {
  readonly #socket: WebSocket
  readonly #frames = new Inbox<string>()

  private constructor(socket: WebSocket) {
    this.#socket = socket
    socket.on('message', (data: Buffer, isBinary) => {
      this.#frames.put(isBinary ? `binary: ${data.toString('hex')}` : data.toString())
    })
    socket.on('close', (code) => this.#frames.end(new Error(`the socket was closed with ${code}`)))
  }

  /** Connects; rejects if the handshake is refused. */
  static async connect(address: string, headers: Readonly<Record<string, string>> = {}): Promise<ChatClient> {
    const socket = new WebSocket(address, { headers })
    const client = new ChatClient(socket)
    await once(socket, 'open')
    return client
  }

  /** The status that refuses a handshake; 101 if it is accepted. */
  static async statusOf(address: string, headers: Readonly<Record<string, string>> = {}): Promise<number> {
    const socket = new WebSocket(address, { headers })
    const { promise, resolve, reject } = Promise.withResolvers<number>()
    socket.on('unexpected-response', (_request, { statusCode = 0 }) => resolve(statusCode))
    socket.on('open', () => resolve(101))
    socket.on('error', reject)
    try {
      return await promise
    } finally {
      socket.on('error', () => {})
      socket.terminate()
    }
  }

  say(message: string): void {
    this.#socket.send(JSON.stringify({ message }))
  }

  /** The next frame. */
  async next(): Promise<string> {
    return await this.#frames.take(PATIENCE_MS, 'frame')
  }

  /** The next `count` frames, and any that follows them within a second. */
  async nextAndAnyMore(count: number): Promise<readonly string[]> {
    const frames: string[] = []
    while (frames.length < count) frames.push(await this.next())
    while (!(await this.#frames.staysEmpty(1000))) frames.push(await this.next())
    return frames
  }

  /** Closes as a page does that says good-bye. */
  async leave(): Promise<void> {
    const closed = once(this.#socket, 'close')
    this.#socket.close(1000)
    await closed
  }

  /** Is gone without a word, as a phone in a tunnel. */
  vanish(): void {
    this.#socket.terminate()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#socket.readyState === WebSocket.OPEN) await this.leave()
  }
}
