import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { Inbox } from '../../shared/testing/inbox.ts'
import { hasRedis, startTestRedis } from '../support/redis.ts'
import { root } from '../support/repository.ts'
import { type DevProcess, startDev } from './dev-process.ts'
import { Spawned } from './spawned.ts'

const SLOW_MS = 20_000
const say = '{"type":"chat.message","message":"from the shell"}'

/** Where notices of dev servers are left: no other's is found there. */
let folder: string
let dev: DevProcess

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lambda-channels-cli-'))
  dev = await startDev(['--port', '0'], { env: { TMPDIR: folder } })
}, 60_000)

afterAll(async () => {
  await dev?.[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

/** Runs the command line in a process of its own, and resolves to what it has written. */
async function cli(...args: string[]): Promise<string> {
  const env = { TMPDIR: folder, CHANNELS_TABLE: undefined, CHANNELS_LAYER: undefined }
  await using process_ = new Spawned(process.execPath, [join(root, 'cli', 'main.ts'), ...args], { env })
  const { code } = await process_.exit
  if (code !== 0) throw new Error(`exit code ${code}: ${process_.stderr}`)
  return process_.stdout
}

async function enter(): Promise<{ socket: WebSocket; frames: Inbox<string> }> {
  const socket = new WebSocket(`${dev.socketUrl}/ws/chat/lobby/`)
  const frames = new Inbox<string>()
  socket.on('message', (data: Buffer) => frames.put(data.toString()))
  await once(socket, 'open')
  return { socket, frames }
}

test('a shell speaks to a chat that npm run dev serves, sees who is there, and closes one', async () => {
  const [ann, bob] = [await enter(), await enter()]

  expect(await cli('group-send', 'chat_lobby', say)).toBe('chat_lobby: 2 deferred to the delivery function\n')
  for (const { frames } of [ann, bob]) {
    expect(await frames.take(SLOW_MS, 'frame')).toBe('{"message":"from the shell"}')
  }

  const listed = JSON.parse(await cli('group-list', 'chat_lobby', '--json')) as {
    readonly members: readonly { readonly connectionId: string }[]
  }
  const [first] = listed.members.map(({ connectionId }) => connectionId)
  expect(listed.members).toHaveLength(2)
  expect(await cli('connections')).toMatch(
    new RegExp(`^${first ?? ''} +/ws/chat/lobby/ +\\w+ +chat_lobby$`, 'm'),
  )

  const closed = Promise.race([once(ann.socket, 'close'), once(bob.socket, 'close')])
  await cli('close', first ?? '', '--local')
  await closed
  await expect
    .poll(() => cli('groups'), { timeout: SLOW_MS })
    .toBe('group       connections\nchat_lobby  1\n')
  for (const { socket } of [ann, bob]) socket.terminate()
}, 60_000)

test.skipIf(!hasRedis())(
  'a command ends by itself, though a client of Redis would go on for ever',
  async () => {
    await using redis = await startTestRedis()

    expect(await cli('connections', '--redis-url', `redis://${redis.host}:${redis.port}`)).toBe(
      'no connections\n',
    )
  },
  60_000,
)

test('a dev server that has ended is not found any more', async () => {
  await dev[Symbol.asyncDispose]()

  await expect(cli('groups')).rejects.toThrow('exit code 2: no npm run dev of yours runs: start it')
}, 60_000)
