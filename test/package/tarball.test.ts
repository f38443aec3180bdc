import { execFile } from 'node:child_process'
import { cp, mkdtemp, readFile, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { isChromiumMissing, launchChromium } from '../e2e/chromium.ts'
import { DocumentationProject } from '../support/documentation-project.ts'
import { readCodeBlocks } from '../support/documentation.ts'
import { importsOf } from '../support/layering.ts'
import { readExportedSources, root } from '../support/repository.ts'
import { Stranger } from '../support/stranger.ts'
import { performTutorial } from '../support/tutorial-checks.ts'

const run = promisify(execFile)

const blocks = (await readCodeBlocks(root, ['README.md'])).filter(({ language }) => language === 'ts')
const subpaths = [...(await readExportedSources()).keys()]

interface Manifest {
  readonly exports: Readonly<Record<string, string>>
  readonly peerDependencies: Readonly<Record<string, string>>
}

let staging: string
let packed: string
let files: readonly string[]

/** Builds and packs the package as `npm publish` would, and unpacks the tarball. Needs no network. */
beforeAll(async () => {
  staging = await mkdtemp(join(tmpdir(), 'lambda-channels-packed-'))
  await run('npm', ['run', 'build'], { cwd: root })
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', staging], { cwd: root })
  const [tarball] = (await readdir(staging)).filter((name) => name.endsWith('.tgz'))
  if (tarball === undefined) throw new Error(`npm pack made no tarball: ${stdout}`)
  await run('tar', ['-xzf', join(staging, tarball), '-C', staging])
  packed = join(staging, 'package')
  files = (await readdir(packed, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(packed.length + 1))
})

afterAll(async () => await rm(staging, { recursive: true, force: true }))

test('the tarball holds the build, the readme and the licence, and nothing else', () => {
  const expected =
    /^(package\.json|README\.md|LICENSE|CHANGELOG\.md|dist\/(shared|local|cli|cdk)\/.+\.(js|d\.ts|js\.map))$/

  expect(files.filter((file) => !expected.test(file))).toEqual([])
  expect(files).toEqual(
    expect.arrayContaining(['package.json', 'README.md', 'LICENSE', 'dist/shared/index.js']),
  )
})

test('each entrance of the tarball has its module and its types', async () => {
  const { exports } = JSON.parse(await readFile(join(packed, 'package.json'), 'utf8')) as {
    exports: Record<string, string>
  }
  const modules = Object.values(exports)
    .filter((target) => target.endsWith('.js'))
    .map((target) => target.slice(2))

  expect(files).toEqual(
    expect.arrayContaining(modules.flatMap((path) => [path, path.replace(/\.js$/, '.d.ts')])),
  )
})

test('what is published imports only what a stranger can install with it', async () => {
  const modules = files.filter((file) => /\.(js|d\.ts)$/.test(file))
  const texts = await Promise.all(
    modules.map(async (file) => [file, await readFile(join(packed, file), 'utf8')] as const),
  )
  const { peerDependencies } = JSON.parse(await readFile(join(packed, 'package.json'), 'utf8')) as Manifest

  const strange = texts.flatMap(([file, text]) =>
    importsOf(text)
      .filter((specifier) => !/^(\.|node:)/.test(specifier) && !(packageOf(specifier) in peerDependencies))
      .map((specifier) => `${file}: ${specifier}`),
  )

  expect(modules.length).toBeGreaterThan(50)
  expect(strange).toEqual([])
})

/** `aws-cdk-lib/aws-sqs` is of `aws-cdk-lib`, `@aws-sdk/client-sqs/x` of `@aws-sdk/client-sqs`. */
function packageOf(specifier: string): string {
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')
}

test('a stranger who installed the tarball can import every entrance, and compile and run the README', async () => {
  await using project = await DocumentationProject.create(async (folder) => {
    await cp(packed, join(folder, 'node_modules', 'lambda-channels'), { recursive: true })
  })
  const imports = subpaths.map((subpath, index) => {
    const specifier = `lambda-channels${subpath.slice(1)}`
    return `import * as entrance${index} from '${specifier}'\nif (Object.keys(entrance${index}).length === 0) throw new Error('${specifier} is empty')`
  })
  const entrances = { ...plainBlock, code: `${imports.join('\n')}\n` }
  await project.write([...blocks, entrances])

  expect(await project.compile()).toEqual([])

  for (const block of [...blocks.filter(({ isRun }) => isRun), entrances]) {
    const printed = await project.run(block)
    expect(printed).toBe(block.output ?? printed)
  }
})

test('a stranger in an empty folder can follow docs/getting-started.md to the letter', async () => {
  const page = await readCodeBlocks(root, ['docs/getting-started.md'])
  const files = page.filter(({ file }) => file !== undefined)
  await using stranger = await Stranger.arrive(packed)

  for (const { file, code } of files) await stranger.write(file ?? '', code)
  for (const { code } of page.filter(({ language }) => language === 'sh')) await stranger.type(code)

  const programs = page.filter(({ isRun }) => isRun)
  expect(programs.map(({ file }) => file)).toEqual(['test.ts', 'news.ts', 'socket.ts'])
  for (const { file } of programs) await stranger.type(`node ${file}`)
})

test(
  'a stranger in an empty folder can follow the tutorial to the letter, with a browser',
  { timeout: 180_000 },
  async () => {
    await using browser = isChromiumMissing ? undefined : await launchChromium()

    expect(await performTutorial(packed, browser)).toBe(4)
  },
)

test('without any optional package, its types included, what needs none compiles strictly and loads', async () => {
  const entrances = ['', '/gateway', '/environment', '/lambda', '/memory', '/dynamodb', '/testing']
  await using stranger = await Stranger.arrive(packed)
  await stranger.type('npm init -y && npm pkg set type=module\nnpm i lambda-channels typescript @types/node')
  const imports = entrances.map((name, index) => `import * as entrance${index} from 'lambda-channels${name}'`)
  const used = `console.log(${entrances.map((_, index) => `entrance${index}`).join(', ')})`
  await stranger.write('all.ts', [...imports, used].join('\n'))
  // All libraries are checked, too.
  const compilerOptions = {
    module: 'nodenext',
    target: 'es2024',
    types: ['node'],
    strict: true,
    noEmit: true,
  }
  await stranger.write('tsconfig.json', JSON.stringify({ compilerOptions }))

  await expect(stranger.type('npx tsc && node all.ts')).resolves.toBeUndefined()

  await stranger.write(
    'production.ts',
    `import assert from 'node:assert/strict'
import { runtimeFromEnvironment } from 'lambda-channels/lambda'

const variables = { AWS_REGION: 'eu-west-1', CHANNELS_LAYER: 'memory', CHANNELS_DELIVERY_QUEUE_URL: 'https://sqs.example/1/delivery' }
const [logger, metrics] = [console, { count() {} }]
await assert.rejects(runtimeFromEnvironment(variables), /npm install @aws-lambda-powertools\\/logger, or give it a logger of your own/)
await assert.rejects(runtimeFromEnvironment(variables, { logger }), /npm install @aws-lambda-powertools\\/metrics/)
await runtimeFromEnvironment(variables, { logger, metrics })
await runtimeFromEnvironment({ ...variables, CHANNELS_ENVIRONMENT: 'development' })
`,
  )
  await expect(stranger.type('npx tsc && node production.ts')).resolves.toBeUndefined()
})

test('whoever installs the tarball has the command lambda-channels, which needs no other package', async () => {
  const folder = await mkdtemp(join(staging, 'shell-'))
  // TMPDIR, so that no dev server is found that runs here.
  const env = { ...process.env, TMPDIR: folder }
  const [tarball = ''] = (await readdir(staging)).filter((name) => name.endsWith('.tgz'))
  const options = ['--offline', '--no-audit', '--no-fund', '--prefix', folder]
  await run('npm', ['install', ...options, join(staging, tarball)], { cwd: folder, env })

  const help = await run('npx', ['--offline', 'lambda-channels', '--help'], { cwd: folder, env })
  const wrong = run('npx', ['--offline', 'lambda-channels', 'groups'], { cwd: folder, env })

  expect(help.stdout).toContain('Usage: lambda-channels COMMAND [options]')
  await expect(wrong).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringContaining('no npm run dev of yours runs'),
  })
})

test('a transport of the SDK, and one of a stranger, fit the store', async () => {
  await using stranger = await Stranger.arrive(packed)
  await stranger.type('npm init -y && npm pkg set type=module')
  await stranger.type('npm i lambda-channels @aws-sdk/client-dynamodb typescript @types/node')
  await stranger.write('store.ts', storeOfTheSdk)
  const compilerOptions = {
    module: 'nodenext',
    target: 'es2024',
    types: ['node'],
    strict: true,
    noEmit: true,
  }
  await stranger.write(
    'tsconfig.json',
    JSON.stringify({ compilerOptions: { ...compilerOptions, skipLibCheck: true } }),
  )

  await expect(stranger.type('npx tsc')).resolves.toBeUndefined()
})

// The last line fails to compile if the types of the SDK are lost on the way.
const storeOfTheSdk = `import { DynamoDB, DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { DynamoDBChannelStore, type DynamoDBTransport } from 'lambda-channels/dynamodb'

const client = new DynamoDB({})
const transport: DynamoDBTransport = {
  BatchGetItem: (input, { abortSignal }) => client.batchGetItem(input, { abortSignal }),
  BatchWriteItem: (input, { abortSignal }) => client.batchWriteItem(input, { abortSignal }),
  DeleteItem: (input, { abortSignal }) => client.deleteItem(input, { abortSignal }),
  GetItem: (input, { abortSignal }) => client.getItem(input, { abortSignal }),
  PutItem: (input, { abortSignal }) => client.putItem(input, { abortSignal }),
  Query: (input, { abortSignal }) => client.query(input, { abortSignal }),
  Scan: (input, { abortSignal }) => client.scan(input, { abortSignal }),
  UpdateItem: (input, { abortSignal }) => client.updateItem(input, { abortSignal }),
}
new DynamoDBChannelStore({ tableName: 'channels', transport })
new DynamoDBChannelStore({ tableName: 'channels', client: new DynamoDBClient({}) })
new DynamoDBChannelStore({ tableName: 'channels', clientConfig: { region: 'eu-west-1', maxAttempts: 2 } })
// @ts-expect-error no such setting
new DynamoDBChannelStore({ tableName: 'channels', clientConfig: { regoin: 'eu-west-1' } })
`

const plainBlock = {
  page: 'entrances.md',
  line: 1,
  language: 'ts',
  file: undefined,
  isRun: true,
  output: undefined,
}
