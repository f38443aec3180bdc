import { systemClock } from '../shared/clock.ts'
import { devHelp, type DevOptions, parseDevOptions } from './dev-options.ts'
import { isLoopback, networkUrls } from './dev-network.ts'
import { type DevOutput, devOutput } from './dev-output.ts'
import { type DevServer, startDevServer } from './dev-server.ts'
import { shutDownOnSignals } from './dev-shutdown.ts'

const FAILED = 1
const USED_WRONGLY = 2

async function main(): Promise<void> {
  const options = readOptions()
  if (options === 'help') return void process.stdout.write(devHelp)
  const output = devOutput(process, options)
  const starting = startDevServer(options, output)
  shutDownOnSignals({
    signals: process,
    close: async () => (await starting).close(),
    exit: (code) => process.exit(code),
    problem: output.problem,
    clock: systemClock,
    parentId: process.env['npm_lifecycle_event'] === undefined ? undefined : () => process.ppid,
  })
  printAddresses(await starting, options, output)
}

function readOptions(): DevOptions | 'help' {
  try {
    return parseDevOptions(process.argv.slice(2))
  } catch (error) {
    return fail(error, USED_WRONGLY)
  }
}

function printAddresses({ addresses }: DevServer, options: DevOptions, output: DevOutput): void {
  const { url, websocketUrl, managementEndpoint, port } = addresses
  const sockets = url.replace('http:', 'ws:')
  if (options.layer === 'memory') {
    output.line('memory layer: all functions share this one process, which never happens on Lambda')
  }
  output.line('')
  output.line(`  pages       ${url}/`)
  for (const other of networkUrls(options.host, port)) output.line(`              ${other}`)
  output.line(`  sockets     ${sockets}/ws/chat/<room>/`)
  output.line(`              ${websocketUrl}?path=/ws/chat/<room>/`)
  output.line(`  management  ${managementEndpoint}/@connections/<connection id>`)
  output.line(`  try         npx wscat -c ${sockets}/ws/chat/lobby/`)
  output.line('')
  if (!isLoopback(options.host)) {
    output.problem(
      `--host ${options.host}: everybody on the network can send to and close any connection, the management API is not signed`,
    )
  }
  output.line(`ready ${url}`)
}

/** Says what is wrong, in the one sentence that the error has for it, and ends. */
function fail(error: unknown, code: number): never {
  const text = error instanceof Error ? error.message : String(error)
  process.stderr.write(`${text.trim().replaceAll(/\s*\n\s*/g, ' ')}\n`)
  process.exit(code)
}

await main().catch((error: unknown) => fail(error, FAILED))
