import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { DevPages } from '../../../local/dev-pages.ts'

const ECHO = `export const views = async (request) => new Response(request.method + ' ' + request.url, {
  status: 203, headers: { 'x-answer': 'yes' },
})`

async function serving(source: string) {
  const folder = await mkdtemp(join(tmpdir(), 'dev-pages-'))
  // .mjs, so that no package.json is needed.
  const file = join(folder, 'views.mjs')
  const write = (text: string): Promise<void> => writeFile(file, text)
  await write(source)
  const pages = new DevPages(pathToFileURL(file))
  const server = createServer((incoming, response) => void pages.serve(incoming, response))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo

  async function ask(
    method: string,
    path: string,
  ): Promise<{ status: number | undefined; text: string; answer: unknown }> {
    const sent = request({ port, method, path, headers: { host: 'example.com' } }).end()
    const [response] = await once(sent, 'response')
    return {
      status: response.statusCode,
      answer: response.headers['x-answer'],
      text: await new Response(response).text(),
    }
  }
  async function dispose(): Promise<void> {
    server.closeAllConnections()
    server.close()
    await rm(folder, { recursive: true, force: true })
  }
  return { pages, write, ask, [Symbol.asyncDispose]: dispose }
}

test('a request becomes one of fetch, and its answer goes out as it is', async () => {
  await using served = await serving(ECHO)
  await served.pages.load()

  expect(await served.ask('GET', '/chat/a%20b/?x=1')).toEqual({
    status: 203,
    answer: 'yes',
    text: 'GET http://example.com/chat/a%20b/?x=1',
  })
})

test('until the views are loaded the answer is 503', async () => {
  await using served = await serving(ECHO)

  expect((await served.ask('GET', '/')).status).toBe(503)
})

test('what cannot be a request of fetch is refused', async () => {
  await using served = await serving(ECHO)
  await served.pages.load()

  expect((await served.ask('TRACE', '/')).status).toBe(405)
  expect((await served.ask('GET', 'http://elsewhere/')).status).toBe(400)
})

test('load() again serves the new views, and keeps the old ones if it cannot', async () => {
  await using served = await serving(ECHO)
  await served.pages.load()

  await served.write("export const views = async () => new Response('new')")
  await served.pages.load()
  await served.write('export const other = 1')
  await expect(served.pages.load()).rejects.toThrow('does not export a function "views"')

  expect((await served.ask('GET', '/')).text).toBe('new')
})
