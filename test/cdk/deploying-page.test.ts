import { expect, test } from 'vitest'
import { readText } from '../support/repository.ts'

const page = await readText('docs/topics/deploying.md')

/** The fields of an interface, as its source has them. */
async function fieldsOf(file: string, name: string): Promise<readonly string[]> {
  const [, body = ''] =
    new RegExp(`export interface ${name}\\b[^{]*\\{\\n([^]*?)\\n\\}`).exec(await readText(file)) ?? []
  return [...body.matchAll(/^ {2}readonly (\w+)\??:/gm)].map((match) => match[1] ?? '')
}

test.each([
  ['ChannelsApiProps', 'cdk/channels-api-props.ts', 'application'],
  ['FunctionSize', 'cdk/channels-function.ts', 'memorySize'],
  ['ChannelWorkerOptions', 'cdk/channel-worker.ts', 'channels'],
])('names every field of %s', async (name, file, known) => {
  const fields = await fieldsOf(file, name)

  expect(fields).toContain(known)
  expect(fields.filter((field) => !page.includes(`\`${field}\``))).toEqual([])
})

test('names every context flag of the chat’s stack', async () => {
  const app = await readText('cdk/app.ts')
  const flags = [...app.matchAll(/flags\.\w+\('(\w+)'/g)].map((match) => match[1] ?? '')

  expect(flags).toContain('front')
  expect(flags.filter((flag) => !page.includes(`| \`${flag}\` |`))).toEqual([])
})

test('names every module that a function can be, with the call that makes its handler', async () => {
  const source = await readText('cdk/function-entries.ts')
  const handlers = [...source.matchAll(/^ {2}(\w+): '(create\w+\(application, runtime\))',$/gm)]

  expect(handlers.length).toBeGreaterThanOrEqual(5)
  for (const [, name, call] of handlers) expect(page).toContain(`| \`${name}.ts\` | \`${call}\` |`)
})

test('names the memory that functions have by default, as the estimate of costs takes it', async () => {
  const [single, api, cost] = await Promise.all(
    ['cdk/channels-function.ts', 'cdk/channels-api.ts', 'cdk/cost/workload.ts'].map(readText),
  )

  expect(single).toMatch(/memorySize = 512\b/)
  expect(api).toMatch(/memorySize: 1_?024\b/)
  expect(cost).toMatch(/ memory: whole\(512,/)
  expect(cost).toMatch(/deliveryMemory: whole\(1_024,/)
  expect(page).toContain('| `memorySize` | 512 MB; delivery 1 024 |')
})
