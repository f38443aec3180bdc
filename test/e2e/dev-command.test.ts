import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { root } from '../support/repository.ts'
import { runDev, startDev } from './dev-process.ts'
import { scratchRepository } from './scratch-repository.ts'
import { Spawned } from './spawned.ts'

/** Opens a socket; resolves to its first message, or to the status it was refused with. */
async function outcome(address: string): Promise<string | number> {
  const socket = new WebSocket(address)
  try {
    return await new Promise((resolve, reject) => {
      socket.on('message', (data: Buffer) => resolve(data.toString()))
      socket.on('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0))
      socket.on('open', () => socket.send('{"message":"hello"}'))
      socket.on('error', reject)
    })
  } finally {
    socket.on('error', () => undefined)
    socket.terminate()
  }
}

/** Functions that refuse every handshake with the status that another file names. */
const refusing = {
  'functions/websocket.ts': `import { status } from './status.ts'
    export const handler = async (): Promise<object> => ({ statusCode: status })`,
  'functions/delivery.ts': 'export const handler = async (): Promise<void> => undefined',
  'functions/status.ts': 'export const status: number = 401',
}

describe('npm run dev', () => {
  test('says where everything is, and is ready when it says so', async () => {
    await using dev = await startDev(['--port', '0'], { cwd: tmpdir() })
    const lines = dev.process.stdout.trimEnd().split('\n')

    expect(lines.at(-1)).toBe(`ready ${dev.url}`)
    expect(dev.process.stdout).toContain(`${dev.url}/\n`)
    expect(dev.process.stdout).toContain(`${dev.socketUrl}/ws/chat/<room>/\n`)
    expect(dev.process.stdout).toContain(`${dev.socketUrl}/prod?path=/ws/chat/<room>/\n`)
    expect(dev.process.stdout).toContain(`${dev.url}/prod/@connections/<connection id>\n`)
    expect(dev.process.stdout).toContain(`npx wscat -c ${dev.socketUrl}/ws/chat/lobby/\n`)
    expect(dev.process.stdout).toMatch(/^embedded DynamoDB … \d+ ms$/m)
    expect(dev.process.stderr).toBe('')
    expect((await fetch(dev.url)).status).toBe(200)
    expect(await outcome(`${dev.socketUrl}/ws/chat/lobby/`)).toBe('{"message":"hello"}')
  })

  test('writes a line when a connection asks, is accepted, is rejected and is gone', async () => {
    await using dev = await startDev()

    await outcome(`${dev.socketUrl}/ws/chat/lobby/`)
    await outcome(`${dev.socketUrl}/ws/nowhere%0A/`)

    const [, id] = await dev.process.waitFor(/^connecting +(\S+) \/ws\/chat\/lobby\/$/m)
    await dev.process.waitFor(new RegExp(`^accepted +${id} 200$`, 'm'))
    await dev.process.waitFor(new RegExp(`^disconnected +${id} 1006 /ws/chat/lobby/$`, 'm'))
    const [, refused] = await dev.process.waitFor(/^connecting +(\S+) \/ws\/nowhere%0A\/$/m)
    await dev.process.waitFor(new RegExp(`^rejected +${refused} 404$`, 'm'))
    expect(refused).not.toBe(id)
  })

  test('with --ordering serial keeps the order of frames, and answers heartbeats itself', async () => {
    await using dev = await startDev(['--port', '0', '--ordering', 'serial'])
    const socket = new WebSocket(`${dev.socketUrl}/ws/chat/lobby/`)
    const received: string[] = []
    socket.on('message', (data: Buffer) => received.push(data.toString()))
    await once(socket, 'open')

    const frames = Array.from({ length: 12 }, (_, index) => `{"message":"${index}"}`)
    for (const frame of frames) socket.send(frame)
    await expect.poll(() => received, { timeout: 20_000 }).toEqual(frames)
    socket.send('{"type":"websocket.heartbeat"}')
    await expect.poll(() => received.at(-1)).toBe('{"type":"websocket.heartbeat"}')
    socket.close(4001)

    await dev.process.waitFor(/^disconnected \S+ 4001 \/ws\/chat\/lobby\/$/m)
  })

  test.each(['dynamodb', 'memory'])(
    'serves the views beside the sockets, which they can send to, on layer %s',
    async (layer) => {
      await using dev = await startDev(['--port', '0', '--layer', layer])
      const socket = new WebSocket(`${dev.socketUrl}/ws/chat/lobby/`)
      await once(socket, 'open')
      const received = once(socket, 'message')

      const page = await fetch(`${dev.url}/chat/lobby`)
      const post = await fetch(page.url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{"message":"from a view"}',
      })

      expect(page.url).toBe(`${dev.url}/chat/lobby/`)
      expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8')
      expect(await page.text()).toContain('id="chat-log"')
      expect(await post.json()).toEqual({ delivered: 1, deferred: 0, gone: 0, failed: 0 })
      expect(String((await received)[0])).toBe('{"message":"from a view"}')
      await dev.process.waitFor(/^GET +\/chat\/lobby 301$/m)
      await dev.process.waitFor(/^POST +\/chat\/lobby\/ 200$/m)
      socket.terminate()
    },
  )

  test('writes a line when no function hears of a handshake, and why a connection was cut', async () => {
    await using dev = await startDev()

    expect(await outcome(`${dev.socketUrl}/chat/lobby/`)).toBe(403)
    const socket = new WebSocket(`${dev.socketUrl}/prod?path=ws/chat/lobby/`)
    await once(socket, 'open')
    socket.send('x'.repeat(33_792))

    await dev.process.waitFor(
      /^refused 403 \/chat\/lobby\/: no such stage or prefix; sockets are below \/ws\/ or at \/prod\?path=…$/m,
    )
    await dev.process.waitFor(
      /^disconnected \S+ 1009 ws\/chat\/lobby\/: frame of 33792 bytes, at most 32768$/m,
    )
  })

  test('on every address of the machine it says which, and who can reach what', async () => {
    await using dev = await startDev(['--port', '0', '--host', '0.0.0.0', '--layer', 'memory'])

    await dev.process.waitFor(
      /^--host 0\.0\.0\.0: everybody on the network .* management API is not signed$/m,
    )
    expect(dev.url).toBe(`http://127.0.0.1:${dev.port}`)
    expect(dev.process.stdout).not.toContain('0.0.0.0')
    expect((await fetch(dev.url)).status).toBe(200)
  })

  test('--quiet leaves these lines out', async () => {
    await using dev = await startDev(['--port', '0', '--quiet'])

    await outcome(`${dev.socketUrl}/ws/chat/lobby/`)

    expect(dev.process.stdout.trimEnd().split('\n').at(-1)).toBe(`ready ${dev.url}`)
  })

  test('--layer memory serves the same chat from one process, and says so', async () => {
    await using dev = await startDev(['--port', '0', '--layer', 'memory'])

    expect(dev.process.stdout).toContain('memory layer: all functions share this one process')
    expect(dev.process.stdout).not.toContain('DynamoDB')
    expect(await outcome(`${dev.socketUrl}/ws/chat/lobby/`)).toBe('{"message":"hello"}')
  })

  test("the user's AWS account is out of reach for the functions", async () => {
    const env = {
      AWS_PROFILE: 'production',
      AWS_ENDPOINT_URL: 'http://127.0.0.1:1',
      AWS_ENDPOINT_URL_DYNAMODB: 'http://127.0.0.1:1',
      AWS_ACCESS_KEY_ID: 'real',
    }
    const functions = {
      'functions/websocket.ts': `const values = [process.env.AWS_PROFILE, process.env.AWS_ACCESS_KEY_ID, process.env.AWS_ENDPOINT_URL]
        export const handler = async (): Promise<object> => ({ statusCode: values.includes('production') || values.includes('real') || values.includes('http://127.0.0.1:1') ? 500 : 402 })`,
      'functions/delivery.ts': refusing['functions/delivery.ts'],
    }
    await using repository = await scratchRepository(functions)

    for (const layer of ['dynamodb', 'memory']) {
      await using dev = await startDev(['--port', '0', '--layer', layer], { root: repository.root, env })
      expect([layer, await outcome(`${dev.socketUrl}/ws/chat/lobby/`)]).toEqual([layer, 402])
    }
  })

  test('--help explains every flag and ends well', async () => {
    await using help = runDev(['--help'])

    expect(await help.exit).toEqual({ code: 0, signal: null })
    for (const flag of ['--port', '--host', '--layer', '--redis-url', '--quiet'])
      expect(help.stdout).toContain(flag)
  })
})

test.each(['dynamodb', 'memory'])('npm run dev runs workers, on layer %s', async (layer) => {
  const application = `import { ChannelNameRouter, Consumer, JsonWebsocketConsumer, ProtocolTypeRouter } from '../shared/index.ts'
    class PageConsumer extends JsonWebsocketConsumer {
      async receiveJson({ message }) {
        await this.channelLayer.send('pages-print', { type: 'page.print', message, replyTo: this.channelName })
      }
      async pageReady({ message }) {
        await this.sendJson({ printed: message })
      }
    }
    class PrintConsumer extends Consumer {
      async pagePrint({ message, replyTo }) {
        await this.channelLayer.send(replyTo, { type: 'page.ready', message })
      }
    }
    export const application = ProtocolTypeRouter({
      websocket: PageConsumer.asApplication(),
      channel: ChannelNameRouter({ 'pages-print': PrintConsumer.asApplication() }),
    })`
  await using repository = await scratchRepository({ 'functions/application.ts': application })
  await using dev = await startDev(['--port', '0', '--layer', layer], { root: repository.root })

  expect(await outcome(`${dev.socketUrl}/ws/pages/`)).toBe('{"printed":"hello"}')
})

describe('npm run dev, used wrongly, says so in one sentence', () => {
  test.each([
    [['--prot', '8000'], 2, /--prot/],
    [['--port', 'http'], 2, /--port is "http": use a number/],
    [['--layer', 'valkey'], 2, /--layer is "valkey": use dynamodb, redis or memory/],
    [['--host', '192.0.2.1', '--port', '0'], 1, /cannot listen on 192\.0\.2\.1/],
  ])('%j', async (args, code, problem) => {
    await using dev = runDev(args)

    expect(await dev.exit).toEqual({ code, signal: null })
    expect(dev.stderr).toMatch(problem)
    expect(dev.stderr).toMatch(/^[^\n]+\n$/)
    expect(dev.stderr).not.toContain('    at ')
  })

  test('a port that is in use', async () => {
    const occupant = createServer()
    await once(occupant.listen(0, '127.0.0.1'), 'listening')
    const { port } = occupant.address() as AddressInfo
    await using dev = runDev(['--port', String(port)])

    expect(await dev.exit).toEqual({ code: 1, signal: null })
    expect(dev.stderr).toMatch(new RegExp(`^port ${port} on 127\\.0\\.0\\.1 is in use: [^\\n]+--port\\n$`))
    occupant.close()
  })

  test.each<[name: string, text: string, problem: RegExp, status?: string]>([
    [
      'syntax',
      'export const handler = = 1',
      /^functions\/websocket\.ts:1:\d+ does not compile: .*Unexpected "="/,
    ],
    [
      'a missing file',
      "import './nowhere.ts'",
      /^functions\/websocket\.ts:1:\d+ does not compile: .*nowhere\.ts/,
    ],
    [
      'an exception in what it imports',
      "import './status.ts'",
      /functions\/websocket\.ts: RangeError at \S*functions\/status\.ts:2:7: no table/,
      '\nthrow new RangeError("no table")\nexport {}',
    ],
    ['no handler', 'export const other = 1', /functions\/websocket\.ts exports no function "handler"/],
    [
      'an exception',
      "throw new RangeError('no table')\nexport {}",
      /functions\/websocket\.ts: RangeError at \S*functions\/websocket\.ts:1:7: no table/,
    ],
    ['syntax that Node does not strip', 'export enum Kind { One }', /functions\/websocket\.ts.*enum/],
  ])(
    'an entry that cannot be loaded: %s',
    async (_name, text, problem, status = 'export const status = 401') => {
      await using repository = await scratchRepository({
        ...refusing,
        'functions/websocket.ts': text,
        'functions/status.ts': status,
      })
      await using dev = runDev(['--port', '0'], { root: repository.root })

      expect(await dev.exit).toEqual({ code: 1, signal: null })
      expect(dev.stderr).toMatch(problem)
      expect(dev.stderr).toMatch(/^[^\n]+\n$/)
    },
  )
})

test('npm run dev without one of its entries says which', async () => {
  await using repository = await scratchRepository(refusing)
  await rm(join(repository.root, 'functions/delivery.ts'))
  await using dev = runDev(['--port', '0'], { root: repository.root })

  expect(await dev.exit).toEqual({ code: 1, signal: null })
  expect(dev.stderr).toBe('functions/delivery.ts does not exist\n')
})

describe('npm run dev, while sources change', () => {
  test('serves the new code, keeps the old one if the new does not load, and cuts no socket', async () => {
    await using repository = await scratchRepository(refusing)
    await repository.write({ 'functions/status.ts': 'export const status: number = 200' })
    await using dev = await startDev(['--port', '0'], { root: repository.root })
    const socket = new WebSocket(`${dev.socketUrl}/ws/chat/lobby/`)
    await once(socket, 'open')

    await repository.write({ 'functions/status.ts': 'export const status: number = 402' })
    await dev.process.waitFor(/^reloaded \(functions\/status\.ts\) in \d+ ms$/m)
    expect(await outcome(`${dev.socketUrl}/ws/chat/lobby/`)).toBe(402)

    await repository.write({ 'functions/status.ts': 'export const status: number = = 403' })
    await dev.process.waitFor(
      /^not reloaded, the code of before goes on: functions\/status\.ts:1:\d+ does not compile/m,
    )
    expect(await outcome(`${dev.socketUrl}/ws/chat/lobby/`)).toBe(402)

    await repository.write({
      'functions/status.ts': 'throw new RangeError("no table"); export const status = 1',
    })
    await dev.process.waitFor(
      /^not reloaded, the code of before goes on: .*RangeError at \S*status\.ts:1:7: no table/m,
    )
    expect(await outcome(`${dev.socketUrl}/ws/chat/lobby/`)).toBe(402)

    await repository.write({ 'functions/status.ts': 'export const status: number = 403' })
    await dev.process.waitFor(
      /reloaded[^]*not reloaded[^]*\nreloaded|reloaded \(.*\) in[^]*reloaded \(.*\) in/,
    )
    expect(await outcome(`${dev.socketUrl}/ws/chat/lobby/`)).toBe(403)
    expect(socket.readyState).toBe(WebSocket.OPEN)
    socket.terminate()
  })

  test('serves new views', async () => {
    await using repository = await scratchRepository()
    await using dev = await startDev(['--port', '0'], { root: repository.root })

    await repository.write({
      'examples/chat/views.ts':
        "export const createViews = () => ({ fetch: async (): Promise<Response> => new Response('new views') })",
    })
    await dev.process.waitFor(/^reloaded \(examples\/chat\/views\.ts\)/m)

    expect(await (await fetch(dev.url)).text()).toBe('new views')
  })

  test('on the memory layer it says that a restart is needed', async () => {
    await using repository = await scratchRepository(refusing)
    await using dev = await startDev(['--port', '0', '--layer', 'memory'], { root: repository.root })

    await repository.write({ 'functions/status.ts': 'export const status: number = 402' })

    await dev.process.waitFor(/^functions\/status\.ts changed: restart to load it$/m)
    expect(await outcome(`${dev.socketUrl}/ws/chat/lobby/`)).toBe(401)
  })
})

describe('npm run dev, told to end', () => {
  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    'by %s closes its sockets with 1001 and exits with 0',
    async (signal) => {
      await using dev = await startDev()
      const socket = new WebSocket(`${dev.socketUrl}/ws/chat/lobby/`)
      await once(socket, 'open')
      const closed = once(socket, 'close')

      dev.process.kill(signal)

      expect(await dev.process.exit).toEqual({ code: 0, signal: null })
      expect(await closed).toEqual([1001, Buffer.from('Going away')])
      expect(dev.process.stderr).toBe('')
    },
  )

  test.each(['SIGINT', 'SIGTERM'] as const)(
    'by %s to npm alone ends in good order, and so does npm',
    async (signal) => {
      await using npm = new Spawned('npm', ['run', 'dev', '--', '--port', '0'], { cwd: root })
      const [, url = ''] = await npm.waitFor(/^ready (\S+)$/m)

      npm.kill(signal)

      expect(await npm.exit).toEqual({ code: 0, signal: null })
      await expect(fetch(url)).rejects.toThrow('fetch failed')
    },
  )

  test('when npm is killed, it ends too', async () => {
    await using npm = new Spawned('npm', ['run', 'dev', '--', '--port', '0'], { cwd: root })
    const [, url = ''] = await npm.waitFor(/^ready (\S+)$/m)

    npm.kill('SIGKILL')

    await expect
      .poll(() => fetch(url).then(String, () => 'nobody there'), { timeout: 20_000 })
      .toBe('nobody there')
  })

  test('while invocations run, it complains of none of them', async () => {
    const slow = `export const handler = async (event: { requestContext: { routeKey: string } }): Promise<object> => {
      if (event.requestContext.routeKey === '$default') await new Promise((resolve) => setTimeout(resolve, 60_000))
      return { statusCode: 200 }
    }`
    await using repository = await scratchRepository({ ...refusing, 'functions/websocket.ts': slow })
    await using dev = await startDev(['--port', '0'], { root: repository.root })
    const socket = new WebSocket(`${dev.socketUrl}/ws/chat/lobby/`)
    await once(socket, 'open')
    socket.send('{}')

    dev.process.kill('SIGTERM')

    expect(await dev.process.exit).toEqual({ code: 0, signal: null })
    expect(dev.process.stderr).toBe('')
  })

  test('before it is ready exits just the same', async () => {
    await using dev = runDev(['--port', '0'])
    await dev.waitFor(/embedded DynamoDB …/)

    dev.kill('SIGTERM')

    expect(await dev.exit).toEqual({ code: 0, signal: null })
  })
})
