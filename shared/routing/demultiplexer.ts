import type { Application, Send, WebsocketScope } from '../application.ts'
import { handlingsOf, markHandlings, type EventHandling } from '../broadcast.ts'
import { ConfigurationError, NoHandlerError, ProtocolError } from '../errors.ts'
import type { JsonValue, Message } from '../message.ts'
import { extendScope, type Flat } from '../middleware/extend-scope.ts'
import { StopConsumer } from '../signals.ts'
import { StreamConnection } from './stream-connection.ts'
import { readStreamFrame, type StreamFrame, streamFrame } from './stream-frame.ts'
import { StreamHandshake } from './stream-handshake.ts'

/** Applications by the name of their stream. */
export type Streams = Readonly<Record<string, Application<never>>>

/** What all of `S` need of their demultiplexer's scope. */
type ScopeOf<S extends Streams> = S[keyof S] extends Application<infer Scope> ? Scope : never

/** A frame that belongs to no stream. */
export interface InvalidStreamFrame {
  readonly text: string
  /** What is wrong: it is not JSON, is no `{ stream, payload }`, or names a stream that there is not. */
  readonly reason: 'invalidJson' | 'invalidStreamFrame' | 'unknownStream'
  readonly scope: WebsocketScope
  /** Sends a JSON text frame of no stream. */
  readonly sendJson: (content: unknown) => Promise<void>
  /** As {@link WebsocketConsumer.close}. */
  readonly close: (code?: number, reason?: string) => Promise<void>
}

/** Options of {@link Demultiplexer}. */
export interface DemultiplexerOptions {
  /** Handles a frame that belongs to no stream. By default it is logged, counted, and the connection closed with 1007. */
  readonly receiveInvalid?: (frame: InvalidStreamFrame) => Promise<void> | void
}

const STREAM = /^[a-zA-Z0-9_-]{1,40}$/
const INVALID_DATA = 1007
/** Which streams a connection was opened with. */
const REMEMBERED = 'streams'

/**
 * An application that serves several consumers over one connection. A client frame `{ "stream": "chat", "payload": … }` is
 * received by the consumer of `chat` as if the payload were the frame, and what that consumer sends arrives at the
 * client as `{ "stream": "chat", "payload": … }`.
 *
 * At the handshake `connect()` of each runs, in their order; all have to accept, and the first that refuses decides the
 * status. The first subprotocol that is accepted is the connection's. When the connection has ended, `disconnect()` of
 * each runs. Events of a channel layer run in every stream that has a handler for them. Channel name and groups are the
 * connection's own, and so is its end: `close()` by one ends it for all. State is each stream's own.
 *
 * A connection has the streams that it was opened with: one that a deploy adds is there for new connections.
 *
 * @throws {@link ConfigurationError} if there are no streams, or one has a name other than 1 to 40 letters, digits, `_`
 * and `-`
 * @example
 * ```ts
 * const application = Demultiplexer({ chat: ChatConsumer.asApplication(), status: StatusConsumer.asApplication() })
 * ```
 */
export function Demultiplexer<const S extends Streams>(
  streams: S,
  options: DemultiplexerOptions = {},
): Application<Flat<WebsocketScope & ScopeOf<S>>> {
  const table = new StreamTable(streams)
  const receiveInvalid = options.receiveInvalid ?? refuse
  const application: Application<WebsocketScope> = async (scope, message, send) => {
    // Until a stream's consumer says that it does.
    scope.connection.servedBy('Demultiplexer')
    if (message.type === 'websocket.connect') return connect(table.all, { scope, message, send })
    const event: StreamEvent = { scope, message, send }
    const opened = table.openedFor(scope)
    if (message.type === 'websocket.receive') await receive(opened, event, receiveInvalid)
    else if (message.type === 'websocket.disconnect') await disconnect(opened, event)
    else await handle(opened, event)
  }
  // What the streams need beyond a WebSocket's scope travels through untouched, which the compiler cannot follow.
  return markHandlings(application, table.handlings()) as Application<never> as Application<
    Flat<WebsocketScope & ScopeOf<S>>
  >
}

/** One message to the connection. */
interface StreamEvent {
  readonly scope: WebsocketScope
  readonly message: Message
  readonly send: Send
}

class StreamTable {
  readonly all: readonly Stream[]

  constructor(streams: Streams) {
    this.all = Object.entries(streams).map(([name, application]) => new Stream(name, application))
    if (this.all.length > 0) return
    throw new ConfigurationError(
      'Demultiplexer got no streams: give it applications by the name of their stream',
    )
  }

  /** Those that the connection was opened with, and that are still there. */
  openedFor({ connection }: WebsocketScope): readonly Stream[] {
    const remembered = connection.recall(REMEMBERED)
    return Array.isArray(remembered) ? this.all.filter(({ name }) => remembered.includes(name)) : []
  }

  /**
   * How the streams together handle events: a broadcast handler runs for each member, as its frame says which stream it
   * is of. Nothing, if that is not known of one of them.
   */
  handlings(): readonly EventHandling[] | undefined {
    const known = handlingsOf(this.all.map(({ application }) => application))
    return known?.map((handling) => (type) => (handling(type) === undefined ? undefined : 'each'))
  }
}

/** One of the applications. */
class Stream {
  readonly name: string
  readonly application: Application<never>
  readonly #handlings: readonly EventHandling[] | undefined

  constructor(name: string, application: Application<never>) {
    if (!STREAM.test(name)) {
      throw new ConfigurationError(
        `Demultiplexer has a stream named ${JSON.stringify(name)}: use 1 to 40 letters, digits, "_" and "-"`,
      )
    }
    this.name = name
    this.application = application
    this.#handlings = handlingsOf([application])
  }

  /** Whether it has a handler for events of `type`; `undefined` if only a try can tell. */
  handles(type: string): boolean | undefined {
    return this.#handlings?.some((handling) => handling(type) !== undefined)
  }

  /** Runs its application, which sees a connection of its own. */
  run({ scope, message, send }: StreamEvent): Promise<void> {
    const connection = new StreamConnection(scope.connection, this.name)
    const wrapped: Send = async (sent) =>
      send(sent.type === 'websocket.send' ? { ...sent, text: this.#frame(sent['text']) } : sent)
    return this.application(extendScope(scope, { connection }) as never, message, wrapped)
  }

  #frame(text: JsonValue | undefined): string {
    const frame = typeof text === 'string' ? streamFrame(this.name, text) : undefined
    if (frame !== undefined) return frame
    throw new ProtocolError(
      `stream "${this.name}" sent a frame that is not JSON, which a Demultiplexer cannot put beside the stream's name: let its consumer extend JsonWebsocketConsumer, or send JSON`,
    )
  }
}

async function connect(streams: readonly Stream[], { scope, message, send }: StreamEvent): Promise<void> {
  const handshake = new StreamHandshake()
  for (const stream of streams) {
    const answer = await handshake.ask(stream.name, (own) => stream.run({ scope, message, send: own }))
    if (answer === 'accepted') continue
    // Who does not decide refuses, and the server says so.
    if (answer !== 'undecided') await send(answer)
    return
  }
  scope.connection.remember(
    REMEMBERED,
    streams.map(({ name }) => name),
  )
  await handshake.accept(send)
}

async function receive(
  streams: readonly Stream[],
  event: StreamEvent,
  receiveInvalid: NonNullable<DemultiplexerOptions['receiveInvalid']>,
): Promise<void> {
  const { text } = event.message
  if (typeof text !== 'string')
    throw new ProtocolError('websocket.receive without "text": API Gateway admits no bytes')
  const frame: StreamFrame = readStreamFrame(text)
  const stream = 'stream' in frame ? streams.find(({ name }) => name === frame.stream) : undefined
  if ('stream' in frame && stream) {
    await stream.run({ ...event, message: { type: 'websocket.receive', text: frame.payload } })
    return
  }
  const { scope, send } = event
  await receiveInvalid({
    text,
    reason: 'stream' in frame ? 'unknownStream' : frame.problem,
    scope,
    sendJson: (content) => send({ type: 'websocket.send', text: JSON.stringify(content) }),
    close: (code, reason) =>
      send({
        type: 'websocket.close',
        ...(code === undefined ? {} : { code }),
        ...(reason === undefined ? {} : { reason }),
      }),
  })
}

async function refuse({ text, reason, scope, close }: InvalidStreamFrame): Promise<void> {
  scope.connection.count(reason)
  scope.connection.logger.warn('Demultiplexer refused a frame', {
    reason,
    channelName: scope.channelName,
    characters: text.length,
  })
  await close(INVALID_DATA, 'the frame belongs to no stream')
}

/** Runs `disconnect()` of each, whatever comes of the others. */
async function disconnect(streams: readonly Stream[], event: StreamEvent): Promise<void> {
  const failures: unknown[] = []
  for (const stream of streams) {
    try {
      await stream.run(event)
    } catch (error) {
      if (!(error instanceof StopConsumer)) failures.push(error)
    }
  }
  if (failures.length > 1) {
    throw new AggregateError(
      failures,
      `disconnect() of ${failures.length} streams failed: ${failures.join('; ')}`,
    )
  }
  if (failures.length === 1) throw failures[0]
}

/** Runs an event in each stream that has a handler for it. */
async function handle(streams: readonly Stream[], event: StreamEvent): Promise<void> {
  let isHandled = false
  for (const stream of streams) {
    const handles = stream.handles(event.message.type)
    if (handles === false) continue
    // One after the other, so that each sees what the others have saved.
    if (await hasRun(stream, event, handles === undefined)) isHandled = true
  }
  if (isHandled) return
  const names = streams.map(({ name }) => name).join(', ') || 'none'
  throw new NoHandlerError(
    `no stream can handle an event of type "${event.message.type}": of the connection's streams (${names}) none has a method for it; add one, or send another type`,
  )
}

/** Runs the event; false if that was a try, and the stream turns out to have no handler. */
async function hasRun(stream: Stream, event: StreamEvent, isTry: boolean): Promise<boolean> {
  try {
    await stream.run(event)
    return true
  } catch (error) {
    if (isTry && error instanceof NoHandlerError) return false
    throw error
  }
}
