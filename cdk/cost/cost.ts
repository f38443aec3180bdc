import { ConfigurationError } from '../../shared/errors.ts'
import { estimateCost } from './model.ts'
import { costHelp, parseCostOptions } from './options.ts'
import { costJson, costReport } from './report.ts'

/** `npm run cost -- --connections 10000 --messages-per-second 5 --group-size 50`: what a month costs. */
function main(args: readonly string[]): number {
  try {
    const { workload, isJson, isHelp } = parseCostOptions(args)
    if (isHelp) process.stdout.write(costHelp())
    else process.stdout.write((isJson ? costJson : costReport)(workload, estimateCost(workload)))
    return 0
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error
    process.stderr.write(`${error.message}\n`)
    return 2
  }
}

process.exitCode = main(process.argv.slice(2))
