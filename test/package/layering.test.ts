import { expect, test } from 'vitest'
import { findViolations, importsOf } from '../support/layering.ts'
import { readSources } from '../support/repository.ts'

const sources = await readSources()

test('every import goes where the layering table allows', () => {
  expect(findViolations(sources)).toEqual([])
})

test('the check sees the files and their imports', () => {
  const imports = [...sources.values()].flatMap((text) => importsOf(text))

  expect(sources.has('shared/application.ts')).toBe(true)
  expect(sources.size).toBeGreaterThan(40)
  expect(imports.length).toBeGreaterThan(100)
})

test.each([
  [
    'a consumer that knows the gateway',
    'shared/consumers/consumer.ts',
    `import { x } from '../gateway/poster.ts'`,
  ],
  [
    'a gateway that knows consumers',
    'shared/gateway/handler.ts',
    `import type { X } from '../consumers/consumer.ts'`,
  ],
  ['a kernel file that looks up', 'shared/message.ts', `import type { Scope } from './application.ts'`],
  ['a kernel file that knows a layer', 'shared/names.ts', `export { x } from './layers/fan-out.ts'`],
  ['DynamoDB outside its home', 'shared/gateway/x.ts', `import { A } from '@aws-sdk/client-dynamodb'`],
  [
    'DynamoDB in the memory backend',
    'shared/backends/memory/x.ts',
    `import { A } from '@aws-sdk/client-dynamodb'`,
  ],
  ['SQS outside its home', 'shared/backends/dynamodb/x.ts', `import { A } from '@aws-sdk/client-sqs'`],
  [
    'the management API outside its home',
    'shared/layers/x.ts',
    `import '@aws-sdk/client-apigatewaymanagementapi'`,
  ],
  ['ws in the library', 'shared/testing/x.ts', `import { WebSocket } from 'ws'`],
  ['an import across lines', 'shared/stores/x.ts', `import {\n  a,\n  b,\n} from '../layers/fan-out.ts'`],
  ['a dynamic import', 'shared/routing/x.ts', `  const x = await import('../backends/memory/index.ts')`],
  ['a barrel used inside', 'shared/consumers/x.ts', `import { Message } from '../index.ts'`],
  ['a testing helper that loads an SDK', 'shared/testing/x.ts', `import { x } from '../gateway/index.ts'`],
  ['a kernel file without a rank', 'shared/helpers.ts', ''],
  ['a folder that is not in the table', 'shared/helpers/x.ts', ''],
])('the check finds %s', (_, file, text) => {
  expect(findViolations(new Map([[file, text]]))).toHaveLength(1)
})

test('an import in the example of a docstring is no import', () => {
  const text = ` * import { x } from './elsewhere.ts'\n// const y = await import('./nowhere.ts')\n`

  expect(importsOf(text)).toEqual([])
})

test('only the files that may read the environment mention process.env', () => {
  const allowed =
    /^(local\/dev[^/]*\.ts|functions\/[^/]*\.ts|cli\/main\.ts|cdk\/app\.ts|(test|bench|examples)\/.*)$/
  // An example in a docstring reads nothing.
  const reading = /^(?!\s*\*).*\bprocess\.env\b/m
  const readers = [...sources].filter(([file, text]) => !allowed.test(file) && reading.test(text))

  expect(readers.map(([file]) => file)).toEqual([])
})
