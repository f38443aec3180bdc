import { chmod, mkdir, mkdtemp, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { OptionValues } from '../../../cli/command.ts'
import { announceDevServer, type DevServerNotice, noticeFolder } from '../../../cli/dev-servers.ts'
import { findTarget } from '../../../cli/target.ts'

function options(values: Readonly<Record<string, string | true>>): OptionValues {
  const text = (name: string): string | undefined => {
    const value = values[name]
    return value === true ? undefined : value
  }
  return { flag: (name) => values[name] === true, text, texts: () => [] }
}

describe('a table or a server that is named', () => {
  test('an option stands before the environment, and decides the layer', async () => {
    const env = { CHANNELS_LAYER: 'redis', CHANNELS_TABLE: 'theirs', AWS_REGION: 'eu-west-1' }
    const target = await findTarget(options({ table: 'mine', region: 'us-east-1' }), env)

    expect(target.env).toMatchObject({
      CHANNELS_LAYER: 'dynamodb',
      CHANNELS_TABLE: 'mine',
      AWS_REGION: 'us-east-1',
    })
    expect(target.description).toBe('DynamoDB table mine at us-east-1')
  })

  test('the environment is enough', async () => {
    expect((await findTarget(options({}), { CHANNELS_TABLE: 'theirs' })).env['CHANNELS_TABLE']).toBe('theirs')
  })

  test('--endpoint-url stands before every address of the environment', async () => {
    const env = { CHANNELS_TABLE: 'a', AWS_ENDPOINT_URL_DYNAMODB: 'http://127.0.0.1:1' }
    const target = await findTarget(options({ 'endpoint-url': 'http://127.0.0.1:2' }), env)

    expect(target.env).toMatchObject({ AWS_ENDPOINT_URL: 'http://127.0.0.1:2' })
    expect(target.env).not.toHaveProperty('AWS_ENDPOINT_URL_DYNAMODB')
  })

  test('a description of Redis shows no password', async () => {
    const target = await findTarget(options({ 'redis-url': 'redis://:secret@127.0.0.1' }), {})

    expect(target.description).toBe('Redis')
  })

  test.each([
    [{ local: true, table: 'a' }, {}, '--local and --table'],
    [{ table: 'a', 'redis-url': 'redis://127.0.0.1' }, {}, '--table and --redis-url'],
    [{ region: 'eu-west-1' }, {}, 'give --table NAME, or set CHANNELS_TABLE'],
    [{}, { CHANNELS_LAYER: 'memory' }, 'CHANNELS_LAYER in the environment is "memory"'],
  ] as const)('%j with %j is refused', async (values, env, sentence) => {
    await expect(findTarget(options(values), env)).rejects.toThrow(sentence)
  })
})

describe('the dev server', () => {
  let folder: string

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lambda-channels-notices-'))
    vi.stubEnv('TMPDIR', folder)
  })

  afterEach(async () => {
    vi.unstubAllEnvs()
    await rm(folder, { recursive: true, force: true })
  })

  function notice(port: number, changes: Partial<DevServerNotice> = {}): DevServerNotice {
    const env = { CHANNELS_LAYER: 'dynamodb', CHANNELS_TABLE: `table-${port}` }
    return { pid: process.pid, url: `http://127.0.0.1:${port}`, port, env, ...changes }
  }

  test('is where a command goes that nobody tells anything, with the server’s environment alone', async () => {
    await announceDevServer(notice(8000))

    expect(await findTarget(options({}), { AWS_PROFILE: 'production' })).toEqual({
      description: 'the dev server at http://127.0.0.1:8000',
      env: notice(8000).env,
    })
  })

  test('is preferred to the environment with --local', async () => {
    await announceDevServer(notice(8000))

    const target = await findTarget(options({ local: true }), { CHANNELS_TABLE: 'production' })

    expect(target.env['CHANNELS_TABLE']).toBe('table-8000')
  })

  test('is named by its port where several run', async () => {
    await announceDevServer(notice(8000))
    await announceDevServer(notice(8001))

    await expect(findTarget(options({}), {})).rejects.toThrow(
      'on the ports 8000, 8001: say which with --port',
    )
    expect((await findTarget(options({ port: '8001' }), {})).env['CHANNELS_TABLE']).toBe('table-8001')
    await expect(findTarget(options({ port: '9' }), {})).rejects.toThrow('runs on port 9')
  })

  test('that has ended is not found, whether it took its notice away or not', async () => {
    const withdraw = await announceDevServer(notice(8000))
    await withdraw()
    // No process has this number: it is beyond what Linux and macOS give.
    await announceDevServer(notice(8001, { pid: 2 ** 30 }))
    await writeFile(join(noticeFolder(), 'dev-8002.json'), '{"pid":')

    await expect(findTarget(options({}), {})).rejects.toThrow('no npm run dev of yours runs: start it')
  })

  test('on the memory layer is out of reach', async () => {
    await announceDevServer(notice(8000, { env: { CHANNELS_LAYER: 'memory' } }))

    await expect(findTarget(options({}), {})).rejects.toThrow(
      'the dev server at http://127.0.0.1:8000 runs with --layer memory: those groups are in the memory',
    )
  })

  test.skipIf(process.platform === 'win32')('leaves a notice that nobody else may read', async () => {
    await mkdir(noticeFolder())
    await chmod(noticeFolder(), 0o777)
    await announceDevServer(notice(8000))

    const modeOf = async (path: string): Promise<number> => (await stat(path)).mode & 0o777
    expect(await modeOf(noticeFolder())).toBe(0o700)
    expect(await modeOf(join(noticeFolder(), 'dev-8000.json'))).toBe(0o600)
  })

  test.skipIf(process.platform === 'win32')(
    'is not looked for where another user could have put it',
    async () => {
      const elsewhere = await mkdtemp(join(tmpdir(), 'elsewhere-'))
      await symlink(elsewhere, noticeFolder())
      await writeFile(join(elsewhere, 'dev-8000.json'), JSON.stringify(notice(8000)))

      await expect(findTarget(options({}), {})).rejects.toThrow('is not a folder of yours')
      await expect(announceDevServer(notice(8001))).rejects.toThrow('is not a folder of yours')
    },
  )
})
