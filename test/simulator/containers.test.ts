import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import {
  containerPool,
  type ContainerPool,
  type ContainerPoolOptions,
  startLocalGateway,
} from '../../local/index.ts'
import { TestClient } from './support/clients.ts'

const fixture = (name: string): URL => new URL(`./fixtures/${name}`, import.meta.url)

function startPool(options: Partial<ContainerPoolOptions> = {}): ContainerPool & AsyncDisposable {
  const pool = containerPool({ entry: fixture('echo.ts'), ...options })
  return Object.assign(pool, { [Symbol.asyncDispose]: () => pool.close() })
}

async function temporaryFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'containers-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) }
}

interface Report {
  readonly invocations: number
  readonly order: string
  readonly name: string
  readonly custom?: string
}

/** Runs one order in the fixture; what it reports, or the kind of failure. */
async function order(pool: ContainerPool, body: string): Promise<Report> {
  const result = await pool.invoke({ body })
  if (result.kind !== 'ok') throw new Error(`${result.kind}: ${JSON.stringify(result)}`)
  return JSON.parse((result.value as { body: string }).body) as Report
}

test('CT-01 a warm container keeps its module state and serves the next invocation', async () => {
  await using pool = startPool()

  expect(await order(pool, 'a')).toMatchObject({ invocations: 1 })
  expect(await order(pool, 'b')).toMatchObject({ invocations: 2 })
  expect(pool.size).toBe(1)
})

test('CT-02 invocations at the same time run in containers that share nothing', async () => {
  await using pool = startPool({ maxContainers: 3 })

  const reports = await Promise.all([
    order(pool, 'wait 300'),
    order(pool, 'wait 300'),
    order(pool, 'wait 300'),
  ])

  expect(reports.map(({ invocations }) => invocations)).toEqual([1, 1, 1])
  expect(pool.size).toBe(3)
})

test('CT-03 beyond the maximum invocations wait in line, one at a time per container', async () => {
  await using pool = startPool({ maxContainers: 1 })

  const reports = await Promise.all(['wait 20', 'b', 'c', 'd'].map((body) => order(pool, body)))

  expect(reports.map(({ invocations }) => invocations)).toEqual([1, 2, 3, 4])
  expect(reports.map((report) => report.order)).toEqual(['wait 20', 'b', 'c', 'd'])
})

test(
  'more containers than processors start while those there are only wait',
  { timeout: 60_000 },
  async () => {
    await using pool = startPool()
    const sizeAfterWaiting = async (): Promise<number> => {
      await Promise.all(Array.from({ length: 20 }, () => order(pool, 'wait 300')))
      return pool.size
    }

    // Other tests may keep the machine busy for a while, and a busy one gets no more.
    await expect.poll(sizeAfterWaiting, { timeout: 50_000 }).toBeGreaterThan(availableParallelism() + 1)
  },
)

test('CT-04 the container that was used last is preferred', async () => {
  await using pool = startPool({ maxContainers: 2 })
  await Promise.all([order(pool, 'wait 300'), order(pool, 'wait 300')])

  const counts = [await order(pool, 'a'), await order(pool, 'b'), await order(pool, 'c')]

  expect(counts.map(({ invocations }) => invocations)).toEqual([2, 3, 4])
})

test('CT-05 an error in the handler is its result, and the container lives on', async () => {
  await using pool = startPool()

  expect(await pool.invoke({ body: 'throw' })).toMatchObject({
    kind: 'error',
    errorType: 'TypeError',
    message: 'thrown on purpose',
    trace: expect.arrayContaining([expect.stringContaining('echo.ts')]) as string[],
  })
  expect(await order(pool, 'a')).toMatchObject({ invocations: 2 })
})

test('CT-06 a container that overruns its time is killed, the next invocation starts cold', async () => {
  await using pool = startPool({ timeoutMs: 1500 })
  await order(pool, 'a')

  expect(await pool.invoke({ body: 'hang' })).toEqual({ kind: 'timeout', timeoutMs: 1500 })
  expect(await order(pool, 'b')).toMatchObject({ invocations: 1 })
})

test('CT-15 a container that is killed gives no result, and the next invocation starts cold', async () => {
  await using pool = startPool({ maxContainers: 1 })
  await order(pool, 'a')
  const kill = new AbortController()
  const killed = pool.invoke({ body: 'hang' }, { signal: kill.signal })
  const waiting = order(pool, 'b')

  kill.abort()

  expect(await killed).toMatchObject({ kind: 'error', errorType: 'Runtime.Killed' })
  expect(await waiting).toMatchObject({ invocations: 1 })
})

test('CT-15 a container that has answered is not killed any more', async () => {
  await using pool = startPool({ maxContainers: 1 })
  const kill = new AbortController()
  await pool.invoke({ body: 'a' }, { signal: kill.signal })

  kill.abort()

  expect(await order(pool, 'b')).toMatchObject({ invocations: 2 })
})

test('CT-06 a container that answered in time is not killed later', async () => {
  await using pool = startPool({ timeoutMs: 1500 })
  await order(pool, 'a')

  await new Promise((resolve) => setTimeout(resolve, 1700))

  expect(await order(pool, 'b')).toMatchObject({ invocations: 2 })
})

test.each([
  ['exit', 'Runtime.ExitError', 'code 3'],
  ['crash', 'Runtime.UncaughtException', 'RangeError: crashed on purpose'],
])(
  'CT-07 a container that does %s fails its invocation and is replaced',
  async (body, errorType, message) => {
    await using pool = startPool()
    await order(pool, 'a')

    expect(await pool.invoke({ body })).toMatchObject({
      kind: 'error',
      errorType,
      message: expect.stringContaining(message) as string,
    })
    expect(await order(pool, 'b')).toMatchObject({ invocations: 1 })
  },
)

test('CT-08 the environment is the one given and what Lambda sets, nothing else', async () => {
  await using pool = startPool({ env: { CUSTOM: 'value' }, functionName: 'chat' })

  expect(await order(pool, 'a')).toMatchObject({ name: 'chat', custom: 'value' })
  const { names } = (await order(pool, 'environment')) as unknown as { names: string[] }
  expect(names).not.toContain('PATH')
  expect(names).toContain('AWS_REGION')
})

test.each([
  [
    'throws-at-load.ts',
    'handler',
    /cannot load .*throws-at-load\.ts: Error at .*throws-at-load\.ts:4:7: TABLE is not set/,
  ],
  ['missing.ts', 'handler', /cannot load .*missing\.ts: it does not exist/],
  [
    'echo.ts',
    'main',
    /echo\.ts exports no function "main" but handler: export an async function of that name/,
  ],
])('CT-09 %s without a usable %s is reported with file and cause', async (file, handler, message) => {
  await using pool = startPool({ entry: fixture(file), handler })

  await expect(pool.ready()).rejects.toThrow(message)
  expect(await pool.invoke({ body: 'a' })).toMatchObject({
    kind: 'error',
    message: expect.stringMatching(message) as string,
  })
})

test('CT-09 a syntax error is reported with its line', async () => {
  await using folder = await temporaryFolder()
  const entry = join(folder.path, 'broken.ts')
  await writeFile(entry, 'const before = 1\nexport const handler = async (: => before\n')
  await using pool = startPool({ entry })

  await expect(pool.ready()).rejects.toThrow(/cannot load .*broken\.ts: SyntaxError at .*broken\.ts:2: /)
})

test('CT-10 ready resolves when a container has loaded', async () => {
  await using pool = startPool()

  await pool.ready()

  expect(pool.size).toBe(1)
  expect(await order(pool, 'a')).toMatchObject({ invocations: 1 })
  expect(pool.size).toBe(1)
})

test('CT-11 a reload runs the changed file', async () => {
  await using folder = await temporaryFolder()
  const entry = join(folder.path, 'changing.ts')
  const write = (version: number): Promise<void> =>
    writeFile(entry, `export const handler = async (): Promise<number> => ${version}\n`)
  await write(1)
  await using pool = startPool({ entry })
  expect(await pool.invoke({})).toEqual({ kind: 'ok', value: 1 })

  await write(2)
  await pool.reload()

  expect(await pool.invoke({})).toEqual({ kind: 'ok', value: 2 })
})

test('CT-11 after a reload invocations run in fresh containers, running ones finish in theirs', async () => {
  await using pool = startPool()
  await order(pool, 'a')
  const running = order(pool, 'wait 200')

  await pool.reload()

  expect(await order(pool, 'b')).toMatchObject({ invocations: 1 })
  expect(await running).toMatchObject({ invocations: 2 })
  expect(await order(pool, 'c')).toMatchObject({ invocations: 2 })
  expect(pool.size).toBe(1)
})

test('CT-12 closing ends what runs and what waits with an error', async () => {
  const pool = containerPool({ entry: fixture('echo.ts'), maxContainers: 1 })
  await pool.ready()
  const running = pool.invoke({ body: 'hang' })
  const waiting = pool.invoke({ body: 'a' })

  await pool.close()

  expect(await running).toMatchObject({ kind: 'error', errorType: 'Runtime.Closed' })
  expect(await waiting).toMatchObject({ kind: 'error', errorType: 'Runtime.Closed' })
  expect(await pool.invoke({ body: 'b' })).toMatchObject({ kind: 'error', errorType: 'Runtime.Closed' })
})

test('CT-13 a gateway runs on containers, and closes them', async () => {
  const pool = containerPool({ entry: fixture('echo.ts') })
  const gateway = await startLocalGateway({ functions: { websocket: pool }, twoWayRoutes: ['$default'] })
  await using client = await TestClient.open(gateway.websocketUrl)
  client.send('hello')

  expect(JSON.parse(await client.next())).toMatchObject({ order: 'hello', invocations: 2 })
  await gateway.close()
  expect(pool.size).toBe(0)
})

test('CT-14 a handler sees the time that is left and the id of its request', async () => {
  await using pool = startPool({ timeoutMs: 20_000, functionName: 'chat', memoryMB: 256 })

  const context = (await order(pool, 'context')) as unknown as Record<string, unknown>

  expect(context['remaining']).toBeGreaterThan(0)
  expect(context['remaining']).toBeLessThanOrEqual(20_000)
  expect(context['context']).toMatchObject({
    functionName: 'chat',
    memoryLimitInMB: '256',
    invokedFunctionArn: 'arn:aws:lambda:us-east-1:000000000000:function:chat',
    awsRequestId: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
  })
})
