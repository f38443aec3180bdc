import type { Application, Scope, WebsocketScope } from '../application.ts'
import type { ChannelLayer } from '../channel-layer.ts'
import type { Message } from '../message.ts'
import { Inbox } from './inbox.ts'
import { TestConnection } from './test-connection.ts'

/** Options of an {@link ApplicationCommunicator}. */
export interface ApplicationCommunicatorOptions {
  readonly layer?: ChannelLayer
}

/**
 * Talks to any application, message by message. Every message meets a cold consumer, with its state through
 * JSON. For WebSocket consumers, groups included, see {@link WebsocketCommunicator}.
 */
export class ApplicationCommunicator<S extends Scope = WebsocketScope> {
  readonly connection: TestConnection
  readonly #application: Application<S>
  readonly #scope: S
  readonly #output = new Inbox<Message>()
  #running: Promise<unknown> = Promise.resolve()

  /** @param scope - the scope, or what differs from a WebSocket connection to `/`, or from the first delivery of a job */
  constructor(
    application: Application<S>,
    scope: NoInfer<Partial<S>>,
    options: ApplicationCommunicatorOptions = {},
  ) {
    this.connection = new TestConnection(options)
    this.#application = application
    const websocket: Omit<WebsocketScope, 'type'> & { readonly type: string } = {
      type: 'websocket',
      path: '/',
      query: {},
      headers: {},
      subprotocols: [],
      client: '127.0.0.1',
      connectedAt: Date.now(),
      channelName: 'test-channel=',
      connection: this.connection,
    }
    const job = { jobId: 'test-job', receiveCount: 1, connection: this.connection }
    // The application decides what it needs; a test gives what differs.
    this.#scope = { ...(scope.type === 'channel' ? job : websocket), ...scope } as unknown as S
  }

  /** Gives the application one message; resolves when it is handled, and throws what the application throws. */
  async sendInput(message: Message): Promise<void> {
    const handled = this.#application({ ...this.#scope }, message, async (sent) => {
      this.#output.put(structuredClone(sent))
    })
    this.#running = Promise.allSettled([this.#running, handled])
    await handled
  }

  /** The next message that the application sent. A time-out throws and leaves the application alone. */
  async receiveOutput(timeoutMs = 1_000): Promise<Message> {
    return this.#output.take(timeoutMs, 'output')
  }

  /** Whether the application sends nothing for `timeoutMs` milliseconds. */
  async receiveNothing(timeoutMs = 100): Promise<boolean> {
    return this.#output.staysEmpty(timeoutMs)
  }

  /** Resolves when all that was given so far is handled. */
  async wait(): Promise<void> {
    await this.#running
  }
}
