import * as cold from './cold.ts'
import * as members from './fanout-members.ts'
import * as simulation from './fanout-simulation.ts'
import * as units from './fanout-units.ts'
import type { BenchOptions } from './options.ts'
import * as poster from './poster.ts'

/** The parts of a fan-out, each under a heading of its own. */
const parts: Readonly<Record<string, (options: BenchOptions) => Promise<void>>> = {
  'Cold start': cold.run,
  'Posting to 10 000 connections': poster.run,
  'Serving the members of a group': members.run,
  'A million members at the limit of the account': simulation.run,
  'Request units': units.run,
}

/** What a group send is made of: loading the function, posting, serving the members. */
export async function run(options: BenchOptions): Promise<void> {
  for (const [title, part] of Object.entries(parts)) {
    console.log(`\n## ${title}\n`)
    await part(options)
  }
}
