#!/usr/bin/env node
import { run } from './run.ts'

// Who has read enough, such as `head`, closes the pipe.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit(0)
})

process.exitCode = await run(process.argv.slice(2), {
  env: process.env,
  out: (text) => void process.stdout.write(text),
  problem: (text) => void process.stderr.write(text),
  now: () => Date.now(),
})
