import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { Inbox } from '../../shared/testing/inbox.ts'
import { askRedis, freePort, hasRedis, startTestRedis, type TestRedis } from '../support/redis.ts'
import { type DevProcess, runDev, startDev } from './dev-process.ts'

const SLOW_MS = 20_000

/** Arguments that run the dev command on the Redis at `port`. */
function onRedis(port: number, user = ''): readonly string[] {
  return ['--port', '0', '--layer', 'redis', '--redis-url', `redis://${user}127.0.0.1:${port}`]
}

/** A client in the room `lobby`. */
async function enter({ socketUrl }: DevProcess): Promise<{ socket: WebSocket; frames: Inbox<string> }> {
  const socket = new WebSocket(`${socketUrl}/ws/chat/lobby/`)
  const frames = new Inbox<string>()
  socket.on('message', (data: Buffer) => frames.put(data.toString()))
  await once(socket, 'open')
  return { socket, frames }
}

describe.skipIf(!hasRedis())('npm run dev -- --layer redis', () => {
  let redis: TestRedis

  beforeAll(async () => {
    redis = await startTestRedis()
  }, SLOW_MS)

  afterAll(async () => {
    await redis?.close()
  })

  test('two clients chat, over groups that are in Redis, and leave nothing there', async () => {
    await using dev = await startDev(onRedis(redis.port))
    const ann = await enter(dev)
    const bob = await enter(dev)
    const group = `channels-dev:${dev.port}:g:{chat_lobby}`

    expect(askRedis(redis.port, 'ZCARD', group)).toBe('2')
    ann.socket.send('{"message":"hello"}')
    expect(await bob.frames.take(SLOW_MS, 'frame')).toBe('{"message":"hello"}')
    expect(await ann.frames.take(SLOW_MS, 'frame')).toBe('{"message":"hello"}')

    ann.socket.close()
    bob.socket.close()
    await expect.poll(() => askRedis(redis.port, 'DBSIZE'), { timeout: SLOW_MS }).toBe('0')
    expect(dev.process.stdout).toMatch(
      new RegExp(`^Redis at redis://127\\.0\\.0\\.1:${redis.port} … \\d+ ms$`, 'm'),
    )
    expect(dev.process.stdout).not.toContain('DynamoDB')
    expect(dev.process.stderr).toBe('')
  })

  test('two of them on one Redis are two rooms, so that neither takes the other’s clients for dead', async () => {
    await using one = await startDev(onRedis(redis.port))
    await using other = await startDev(onRedis(redis.port))
    const ann = await enter(one)
    const bob = await enter(other)

    ann.socket.send('{"message":"here"}')
    bob.socket.send('{"message":"there"}')

    expect(await ann.frames.take(SLOW_MS, 'frame')).toBe('{"message":"here"}')
    expect(await bob.frames.take(SLOW_MS, 'frame')).toBe('{"message":"there"}')
    for (const { port } of [one, other]) {
      expect(askRedis(redis.port, 'ZCARD', `channels-dev:${port}:g:{chat_lobby}`)).toBe('1')
    }
    ann.socket.terminate()
    bob.socket.terminate()
  })
})

describe('npm run dev -- --layer redis, where there is none that it can use, says so in one sentence', () => {
  test('nobody listens', async () => {
    const port = await freePort()
    await using dev = runDev(onRedis(port, 'ann:secret@'))

    expect(await dev.exit).toEqual({ code: 1, signal: null })
    expect(dev.stderr).toMatch(
      new RegExp(
        `^Redis at redis://127\\.0\\.0\\.1:${port} cannot be used \\(connect ECONNREFUSED 127\\.0\\.0\\.1:${port}\\): [^\\n]*redis-server[^\\n]*--redis-url[^\\n]*\\n$`,
      ),
    )
    expect(dev.stdout + dev.stderr).not.toContain('secret')
  })

  test.skipIf(!hasRedis())('it wants another password', async () => {
    await using redis = await startTestRedis({ args: ['--requirepass', 'hunter2'] })
    await using dev = runDev(onRedis(redis.port, ':secret@'))

    expect(await dev.exit).toEqual({ code: 1, signal: null })
    expect(dev.stderr).toMatch(/^Redis at redis:\/\/127\.0\.0\.1:\d+ cannot be used \(WRONGPASS [^\n]+\n$/)
    expect(dev.stdout + dev.stderr).not.toContain('secret')
  })
})
