// Run as a program, bundled: posts a round in the way that it was told, each time it is asked.
import { readFileSync } from 'node:fs'
import { connectionIds, PAYLOAD, type Round } from './poster-protocol.ts'
import { type WayName, ways } from './poster-ways.ts'

const [way = '', endpoint = ''] = process.argv.slice(2)
const ids = connectionIds()
// Loading is not part of the first round: `npm run bench -- cold` measures it.
const postAll = ways[way as WayName](endpoint)

process.on('message', () => {
  void answer()
})
process.on('disconnect', () => process.exit())

async function answer(): Promise<void> {
  const done = await round()
  process.send?.(done)
}

async function round(): Promise<Round> {
  const post = await postAll
  const cpuBefore = process.cpuUsage()
  const start = performance.now()
  await post(ids, PAYLOAD)
  const ms = performance.now() - start
  const { user, system } = process.cpuUsage(cpuBefore)
  return { ms, cpuMs: (user + system) / 1000, peakMiB: peakMemory() }
}

// Before Linux 6 getrusage counts the parent, too, from which the process was forked.
function peakMemory(): number {
  try {
    return Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1]) / 1024
  } catch {
    return process.resourceUsage().maxRSS / 1024
  }
}
