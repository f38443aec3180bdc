import { ConnectionGoneError } from '../errors.ts'
import type { ConnectionInfo, Poster } from '../gateway/poster.ts'

/** One socket of a {@link TestPoster}: what arrived and was not read yet. */
export interface TestSocket {
  readonly connectionId: string
  readonly connectedAt: number
  /** As API Gateway sees it: nothing can be posted before it is open, or after it was closed. */
  state: 'opening' | 'open' | 'closed'
  /** Called with each frame. */
  onFrame(text: string): void
  /** Called when the server closes it. */
  onClose(): void
}

/** A {@link Poster} that reaches sockets of this process, with API Gateway's rules. */
export class TestPoster implements Poster {
  readonly #sockets = new Map<string, TestSocket>()

  add(socket: TestSocket): void {
    this.#sockets.set(socket.connectionId, socket)
  }

  async post(connectionId: string, text: string): Promise<void> {
    this.#open(connectionId).onFrame(text)
  }

  async close(connectionId: string): Promise<void> {
    const socket = this.#open(connectionId)
    socket.state = 'closed'
    socket.onClose()
  }

  async get(connectionId: string): Promise<ConnectionInfo> {
    const { connectedAt } = this.#open(connectionId)
    return { connectedAt, lastActiveAt: connectedAt, sourceIp: undefined, userAgent: undefined }
  }

  destroy(): void {}

  #open(connectionId: string): TestSocket {
    const socket = this.#sockets.get(connectionId)
    if (socket?.state === 'open') return socket
    throw new ConnectionGoneError(
      `connection ${connectionId} is ${socket?.state ?? 'unknown'}: API Gateway answers 410`,
    )
  }
}
