import type { Send } from '../application.ts'
import { ProtocolError } from '../errors.ts'
import type { Message } from '../message.ts'

/**
 * The handshake of a connection that several streams decide about: what each says is kept until all have spoken, for
 * only then is it known whether anything can be sent.
 */
export class StreamHandshake {
  /** What is sent once the connection is accepted, in order. */
  readonly #held: Message[] = []
  #subprotocol: string | undefined

  /** Lets one stream decide. Resolves to the message that refuses the connection, if the stream does. */
  async ask(
    stream: string,
    connect: (send: Send) => Promise<void>,
  ): Promise<Message | 'accepted' | 'undecided'> {
    let decision: Message | undefined
    await connect(async (message) => {
      const isDecision = message.type === 'websocket.accept' || message.type === 'websocket.close'
      if (decision?.type === 'websocket.accept' && message.type !== 'websocket.accept')
        this.#held.push(message)
      else if (decision) throw decidedTwice(stream, decision)
      else if (isDecision) decision = message
      else throw notAccepted(stream)
    })
    if (decision?.type !== 'websocket.accept') return decision ?? 'undecided'
    const subprotocol = decision['subprotocol']
    if (typeof subprotocol === 'string') this.#subprotocol ??= subprotocol
    return 'accepted'
  }

  /** Accepts the connection for all, with the first subprotocol that one of them accepted, and sends what they sent. */
  async accept(send: Send): Promise<void> {
    const subprotocol = this.#subprotocol === undefined ? {} : { subprotocol: this.#subprotocol }
    await send({ type: 'websocket.accept', ...subprotocol })
    for (const message of this.#held) await send(message)
  }
}

function decidedTwice(stream: string, { type }: Message): ProtocolError {
  const what = type === 'websocket.accept' ? 'accepted' : 'refused'
  return new ProtocolError(`stream "${stream}" has ${what} the connection already: decide once`)
}

function notAccepted(stream: string): ProtocolError {
  return new ProtocolError(
    `stream "${stream}" has not accepted the connection, so it can send nothing: call accept() first`,
  )
}
