import type { Application, HttpScope, WebsocketScope } from '../../shared/application.ts'
import { HttpCommunicator, type TestResponse } from '../../shared/testing/http-communicator.ts'
import { TestGateway, type TestGatewayOptions } from '../../shared/testing/test-gateway.ts'
import { WebsocketCommunicator } from '../../shared/testing/websocket-communicator.ts'

/** What a server said of one cookie. */
export interface SetCookie {
  readonly name: string
  readonly value: string
  /** In lower case, such as `max-age=0`. */
  readonly attributes: readonly string[]
}

/** A browser, as far as cookies go: it keeps what it is told, and sends it with every request and handshake. */
export class TestBrowser {
  readonly cookies = new Map<string, string>()
  readonly gateway: TestGateway
  readonly #application: Application<HttpScope | WebsocketScope>

  constructor(
    application: Application<HttpScope | WebsocketScope>,
    gateway: TestGateway = new TestGateway(application),
  ) {
    this.#application = application
    this.gateway = gateway
  }

  /** Several browsers, with cookies of their own, before one server. */
  static several(
    application: Application<HttpScope | WebsocketScope>,
    options: TestGatewayOptions = {},
  ): () => TestBrowser {
    const gateway = new TestGateway(application, options)
    return () => new TestBrowser(application, gateway)
  }

  async request(method: string, path: string, body?: string): Promise<TestResponse> {
    const communicator = new HttpCommunicator(this.#application, method, path, {
      gateway: this.gateway,
      headers: this.#headers(),
      ...(body === undefined ? {} : { body }),
    })
    const response = await communicator.getResponse(30_000)
    for (const cookie of cookiesSetBy(response)) this.#keep(cookie)
    return response
  }

  /** The text of the response to a GET. */
  async text(path: string): Promise<string> {
    return (await this.request('GET', path)).body.toString()
  }

  /** A connection that has not begun its handshake. */
  socket(path: string): WebsocketCommunicator {
    return new WebsocketCommunicator(this.#application, path, {
      gateway: this.gateway,
      headers: this.#headers(),
    })
  }

  #headers(): Readonly<Record<string, string>> {
    const pairs = [...this.cookies].map(([name, value]) => `${name}=${value}`)
    return pairs.length === 0 ? {} : { cookie: pairs.join('; ') }
  }

  #keep({ name, value, attributes }: SetCookie): void {
    if (attributes.includes('max-age=0')) this.cookies.delete(name)
    else this.cookies.set(name, value)
  }
}

/** The cookies that a response sets. */
export function cookiesSetBy({ headers }: Pick<TestResponse, 'headers'>): readonly SetCookie[] {
  return headers.getSetCookie().map((header) => {
    const [pair = '', ...attributes] = header.split('; ')
    const equals = pair.indexOf('=')
    return {
      name: pair.slice(0, equals),
      value: pair.slice(equals + 1),
      attributes: attributes.map((attribute) => attribute.toLowerCase()),
    }
  })
}
