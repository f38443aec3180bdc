import type { Reporter, TestCase, TestModule } from 'vitest/node'

/** What became of one run, in tests. A file that could not be loaded counts as one failed test. */
export interface TestCounts {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

/**
 * Ends a test run with the skipped tests, each with its reason, and the plain line
 * `12 passed, 0 failed, 1 skipped`, which is always the last one.
 */
export class SummaryReporter implements Reporter {
  readonly #write: (text: string) => void

  constructor(write: (text: string) => void = (text) => void process.stdout.write(text)) {
    this.#write = write
  }

  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()])
    const brokenModules = modules.filter((module) => isBroken(module)).length
    const counts = {
      passed: tests.filter((test) => test.result().state === 'passed').length,
      failed:
        tests.filter((test) => test.result().state === 'failed').length +
        brokenModules +
        unhandledErrors.length,
      skipped: tests.filter((test) => isSkipped(test)).length,
    }
    this.#write(
      renderSummary(
        counts,
        tests.filter((test) => isSkipped(test)).map((test) => describeSkip(test)),
      ),
    )
  }
}

/** The text at the end of a run: one line for each skip, then the counts. */
export function renderSummary(counts: TestCounts, skips: readonly string[]): string {
  const lines = skips.map((skip) => ` skipped: ${skip}`)
  return `${[...lines, `${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`].join('\n')}\n`
}

/** A file whose import, suite or hook failed has errors of its own, or failed without a failed test. */
function isBroken(module: TestModule): boolean {
  const suites = [module, ...module.children.allSuites()]
  return suites.some((suite) => suite.errors().length > 0)
}

function isSkipped(test: TestCase): boolean {
  const { state } = test.result()
  // A test that never ran, because its hook failed or the run was cut short, is not a pass.
  return state === 'skipped' || state === 'pending'
}

function describeSkip(test: TestCase): string {
  return `${test.module.relativeModuleId} > ${test.fullName}: ${reasonOf(test)}`
}

function reasonOf(test: TestCase): string {
  const result = test.result()
  if (result.state === 'skipped' && result.note !== undefined) return result.note
  if (test.options.mode === 'run') return 'not run, because something before it failed'
  return 'no reason given'
}
