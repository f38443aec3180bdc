import { connect as connectTcp, isIP, type OnReadOpts, type Socket } from 'node:net'
import { connect as connectTls, createSecureContext, type SecureContext } from 'node:tls'

const READ_BYTES = 65_536

/** A socket that is about to connect, and the event by which it will tell that it can be written to. */
export interface DialedSocket {
  readonly socket: Socket
  readonly readyEvent: 'connect' | 'secureConnect'
}

/** Takes what a socket has received; the bytes are overwritten once it returns. */
export type Receiver = (piece: Buffer) => void

/** Opens sockets to one host: TCP for an `http:` URL, TLS with session resumption for an `https:` one. */
export class HttpDialer {
  readonly #host: string
  readonly #port: number
  readonly #isSecure: boolean
  readonly #ca: string | undefined
  // All sockets read into one buffer: by itself Node allocates 64 KB for each read.
  readonly #buffer: Buffer = Buffer.allocUnsafeSlow(READ_BYTES)
  #secureContext: SecureContext | undefined
  #session: Buffer | undefined

  /** @param ca - certificates, in PEM, to trust instead of the well-known ones */
  constructor(url: URL, ca?: string) {
    // A URL writes an IPv6 address in brackets.
    this.#host = url.hostname.replaceAll(/^\[|\]$/g, '')
    this.#isSecure = url.protocol === 'https:'
    this.#port = Number(url.port) || (this.#isSecure ? 443 : 80)
    this.#ca = ca
  }

  /** @param receive - is called with every piece that the socket receives */
  dial(receive: Receiver): DialedSocket {
    const address = { host: this.#host, port: this.#port, onread: this.#onread(receive) }
    if (!this.#isSecure) return { socket: connectTcp(address), readyEvent: 'connect' }
    // One context for all sockets: each new one would parse every trusted certificate again.
    this.#secureContext ??= createSecureContext(this.#ca === undefined ? {} : { ca: this.#ca })
    const socket = connectTls({
      ...address,
      servername: isIP(this.#host) ? '' : this.#host,
      secureContext: this.#secureContext,
      ALPNProtocols: ['http/1.1'],
      ...(this.#session ? { session: this.#session } : {}),
    })
    socket.on('session', (session: Buffer) => {
      this.#session = session
    })
    return { socket, readyEvent: 'secureConnect' }
  }

  #onread(receive: Receiver): OnReadOpts {
    return {
      buffer: this.#buffer,
      callback: (bytes) => {
        receive(this.#buffer.subarray(0, bytes))
        return true
      },
    }
  }
}
