import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createViews, type ViewOptions } from '../../examples/chat/views.ts'

/**
 * Serves the chat's pages, without any sockets, on a free port of this machine.
 *
 * @param prefix - what stands before every path, and is taken off, as an emulator of API Gateway does: `/_aws/execute-api/abc`
 */
export async function servePages(
  options: ViewOptions = {},
  prefix = '',
): Promise<AsyncDisposable & { readonly url: string }> {
  const pages = createViews(options)
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { url = '', method = 'GET' } = request
    if (!url.startsWith(`${prefix}/`)) return void response.writeHead(418).end('not below the prefix')
    const answer = await pages.request(`http://127.0.0.1${url.slice(prefix.length)}`, { method })
    response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(await answer.text())
  }
  const server = createServer((request, response) => void serve(request, response))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const close = async (): Promise<void> => {
    server.closeAllConnections()
    server.close()
  }
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}${prefix}`, [Symbol.asyncDispose]: close }
}
