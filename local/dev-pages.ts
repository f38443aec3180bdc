import type { IncomingMessage, ServerResponse } from 'node:http'
import { fileURLToPath } from 'node:url'
import { ConfigurationError } from '../shared/errors.ts'
import { loadFailure } from './load-failure.ts'

/** Answers a request, as `fetch` would. */
type Views = (request: Request) => Promise<Response>

// What a Request refuses to have.
const FORBIDDEN_METHODS: ReadonlySet<string> = new Set(['CONNECT', 'TRACE', 'TRACK'])

/** The HTTP side of the dev server: the views of a module, loaded anew on request. */
export class DevPages {
  readonly #module: URL
  #views: Views | undefined
  #version = 0

  /** @param module - exports `views` */
  constructor(module: URL) {
    this.#module = module
  }

  /** Loads the module. Rejects, and keeps what it had, if that fails. */
  async load(): Promise<void> {
    // Node keeps a module for as long as it runs, and knows it by its URL.
    const url = new URL(this.#module)
    url.search = `?version=${this.#version}`
    this.#version += 1
    const { views } = await this.#import(url)
    if (typeof views !== 'function')
      throw new TypeError(`${this.#module.pathname} does not export a function "views"`)
    this.#views = views
  }

  async #import(url: URL): Promise<{ readonly views?: Views }> {
    try {
      return (await import(url.href)) as { readonly views?: Views }
    } catch (error) {
      throw new ConfigurationError(loadFailure(fileURLToPath(this.#module), error), { cause: error })
    }
  }

  /** Answers one request. */
  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    request.resume()
    const asked = fetchRequest(request)
    if (typeof asked === 'number') return void response.writeHead(asked).end()
    if (!this.#views) return void response.writeHead(503, { 'retry-after': '1' }).end('starting\n')
    const answer = await this.#views(asked)
    response.writeHead(answer.status, Object.fromEntries(answer.headers))
    response.end(Buffer.from(await answer.arrayBuffer()))
  }
}

/** The request without its body, which no page of ours reads; or the status of one that cannot be. */
function fetchRequest({ method = 'GET', url = '', headers }: IncomingMessage): Request | number {
  if (FORBIDDEN_METHODS.has(method)) return 405
  const address = `http://${headers.host ?? 'localhost'}${url}`
  return url.startsWith('/') && URL.canParse(address) ? new Request(address, { method }) : 400
}
