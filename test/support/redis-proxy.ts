import { createServer, type Server, type Socket, connect } from 'node:net'

/** Stands between a client and a server on loopback, and loses answers when asked to. */
export interface RedisProxy extends AsyncDisposable {
  readonly host: string
  readonly port: number
  /** How often a client has waited for an answer before it sent more. */
  readonly roundTrips: () => number
  /** Cuts the connection when the server answers the next time: what was asked is done, and nobody is told. */
  loseNextAnswer(): void
}

/** Starts a proxy in front of `target`. It holds each answer back for a while, so that all of one burst comes first. */
export async function startRedisProxy(
  target: { host: string; port: number },
  holdMs = 0,
): Promise<RedisProxy> {
  let losing = false
  let roundTrips = 0
  const sockets = new Set<Socket>()
  const server: Server = createServer((client) => {
    const upstream = connect(target.port, target.host)
    let isAsking = false
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => {
        client.destroy()
        upstream.destroy()
      })
    }
    client.on('data', (chunk) => {
      if (!isAsking) roundTrips += 1
      isAsking = true
      upstream.write(chunk)
    })
    upstream.on('data', (chunk) => {
      if (losing) {
        losing = false
        client.destroy()
        return
      }
      setTimeout(() => {
        isAsking = false
        client.write(chunk)
      }, holdMs)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('a TCP server has a port')
  return {
    host: '127.0.0.1',
    port: address.port,
    roundTrips: () => roundTrips,
    loseNextAnswer: () => void (losing = true),
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
