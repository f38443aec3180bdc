import { type AddressInfo, connect, type Socket } from 'node:net'
import { createServer } from 'node:tls'
import type { TestCertificate } from './test-certificate.ts'

/** A server that takes TLS off and passes on what is inside. */
export interface TlsFront extends AsyncDisposable {
  /** `https://127.0.0.1:{port}` */
  readonly endpoint: string
  close(): Promise<void>
}

/** Stands before an `http://` endpoint on loopback. */
export async function startTlsFront(endpoint: string, certificate: TestCertificate): Promise<TlsFront> {
  const behind = new URL(endpoint)
  const sockets = new Set<Socket>()
  const keep = (socket: Socket): void => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  }
  const server = createServer({ ...certificate }, (front) => {
    const back = connect(Number(behind.port), behind.hostname)
    for (const [socket, other] of [
      [front, back],
      [back, front],
    ] as const) {
      keep(socket)
      socket.pipe(other)
      // One side's failure is the other's end.
      socket.on('error', () => other.destroy())
      socket.on('close', () => other.destroy())
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const close = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  }
  const { port } = server.address() as AddressInfo
  return { endpoint: `https://127.0.0.1:${port}`, close, [Symbol.asyncDispose]: close }
}
