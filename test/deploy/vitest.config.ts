import { join } from 'node:path'
import { defineConfig } from 'vitest/config'
import { SummaryReporter } from '../support/summary-reporter.ts'
import { destinationKind } from './environment.ts'
import { EmulatorLogReporter } from './emulator-log-reporter.ts'

// CloudFormation of AWS takes minutes for what an emulator does in a second.
const MINUTES = 60_000

/** Of `npm run test:deploy`, which starts it. */
export default defineConfig({
  test: {
    root: join(import.meta.dirname, '..', '..'),
    // What is wrong with a command line shows anywhere; a real account is left alone with it.
    include: [`test/deploy/${destinationKind() === 'ministack' ? '*' : 'chat'}.test.ts`],
    reporters: ['default', new EmulatorLogReporter(), new SummaryReporter()],
    testTimeout: 2 * MINUTES,
    hookTimeout: 30 * MINUTES,
    fileParallelism: false,
  },
})
