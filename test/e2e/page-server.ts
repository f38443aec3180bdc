import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createViews, type ViewOptions } from '../../examples/chat/views.ts'

/** Serves the chat's pages, without any sockets, on a free port of this machine. */
export async function servePages(
  options: ViewOptions = {},
): Promise<AsyncDisposable & { readonly url: string }> {
  const pages = createViews(options)
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const answer = await pages.request(`http://127.0.0.1${request.url}`, { method: request.method ?? 'GET' })
    response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(await answer.text())
  }
  const server = createServer((request, response) => void serve(request, response))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const close = async (): Promise<void> => {
    server.closeAllConnections()
    server.close()
  }
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, [Symbol.asyncDispose]: close }
}
