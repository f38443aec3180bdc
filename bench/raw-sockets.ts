import { once } from 'node:events'
import { connect } from 'node:tls'
import { STAGE } from './poster-protocol.ts'
import type { PostAll } from './poster-ways.ts'

const SOCKETS = 64

/** Posts without a signature, an HTTP client or a check of the answer: what Node's TLS sockets can do at most. */
export function rawSockets(endpoint: string): PostAll {
  const { hostname, port } = new URL(endpoint)
  const buffer = Buffer.allocUnsafeSlow(65_536)
  const free: (() => void)[] = []
  let next: () => string | undefined
  let finished: () => void
  let open: Promise<unknown> | undefined

  const openOne = async (): Promise<void> => {
    const post = (): void => {
      const request = next()
      if (request === undefined) {
        free.push(post)
        if (free.length === SOCKETS) finished()
      } else socket.write(request, 'latin1')
    }
    const callback = (): boolean => {
      post()
      return true
    }
    const onread = { buffer, callback }
    const address = { host: hostname, port: Number(port), onread }
    const socket = connect(address)
    socket.setNoDelay(true)
    await once(socket, 'secureConnect')
    free.push(post)
  }

  return async (ids, text) => {
    open ??= Promise.all(Array.from({ length: SOCKETS }, openOne))
    await open
    let index = 0
    next = () => {
      const id = ids[index++]
      return id === undefined ? undefined : render(endpoint, id, text)
    }
    const { promise, resolve } = Promise.withResolvers<void>()
    finished = resolve
    for (const post of free.splice(0)) post()
    await promise
  }
}

// As long as a signed request.
const FILLER = `x-filler: ${'#'.repeat(1000)}`

function render(endpoint: string, id: string, text: string): string {
  return (
    `POST /${STAGE}/@connections/${encodeURIComponent(id)} HTTP/1.1\r\nhost: ${endpoint}\r\n` +
    `content-length: ${text.length}\r\n${FILLER}\r\n\r\n${text}`
  )
}
