import type { Reporter, TestModule, TestRunEndReason } from 'vitest/node'
import { LOG_VARIABLE } from './environment.ts'
import { logTail } from './log-tail.ts'

/** Shows the end of MiniStack's log after a run that failed. */
export class EmulatorLogReporter implements Reporter {
  onTestRunEnd(_modules: readonly TestModule[], _errors: readonly unknown[], reason: TestRunEndReason): void {
    const path = process.env[LOG_VARIABLE]
    if (reason === 'passed' || path === undefined) return
    process.stdout.write(`\nthe end of MiniStack's log:\n${logTail(path)}\n\n`)
  }
}
