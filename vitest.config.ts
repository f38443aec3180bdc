import { defineConfig } from 'vitest/config'
import { SummaryReporter } from './test/support/summary-reporter.ts'

const packageTests = ['test/package/**/*.test.ts']
const browserTests = ['test/e2e/**/*.test.ts']
// They have a configuration and a command of their own: npm run test:deploy.
const deployTests = ['test/deploy/**/*.test.ts']

export default defineConfig({
  test: {
    reporters: ['default', new SummaryReporter()],
    testTimeout: 20_000,
    hookTimeout: 60_000,
    projects: [
      {
        test: {
          name: 'behaviour',
          include: ['test/**/*.test.ts'],
          exclude: [...packageTests, ...browserTests, ...deployTests],
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        // Each of these starts compilers and package managers of its own, so one file at a time.
        test: {
          name: 'package',
          include: packageTests,
          testTimeout: 60_000,
          hookTimeout: 300_000,
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
      {
        // A browser and a server want both cores.
        test: {
          name: 'browser',
          include: browserTests,
          testTimeout: 60_000,
          hookTimeout: 120_000,
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
})
