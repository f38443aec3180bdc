import { parseArgs } from 'node:util'
import type { BenchOptions } from './options.ts'

/**
 * `npm run bench -- <suite> … [--runs 5] [--quick]`. No figure passes or fails the run: it ends with an error only if
 * something was lost, sent twice, or broke.
 */
const suites: Readonly<Record<string, () => Promise<{ run(options: BenchOptions): Promise<void> }>>> = {
  chat: () => import('./chat.ts'),
  cold: () => import('./cold.ts'),
  fanout: () => import('./fanout.ts'),
}

const { values, positionals: names } = parseArgs({
  allowPositionals: true,
  options: { runs: { type: 'string' }, quick: { type: 'boolean', default: false } },
})
const runs = Number(values.runs ?? (values.quick ? 1 : 5))
const unknown = names.filter((name) => !Object.hasOwn(suites, name))
if (unknown.length > 0) {
  console.error(`unknown bench ${unknown.join(', ')}: there are ${Object.keys(suites).join(', ')}`)
  process.exit(2)
}
if (!Number.isInteger(runs) || runs < 1) {
  console.error(`--runs is ${values.runs}: use a whole number from 1`)
  process.exit(2)
}
for (const name of names.length > 0 ? names : Object.keys(suites)) {
  const suite = await suites[name]?.()
  await suite?.run({ runs, isQuick: values.quick })
}
