import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { constants, tmpdir } from 'node:os'
import { join } from 'node:path'
import { renderSummary } from '../support/summary-reporter.ts'
import { binary, root } from '../support/repository.ts'
import { destroyStack, removeCdkFiles } from './cdk.ts'
import { requireCredentials } from './credentials.ts'
import {
  awsEnvironment,
  emulatorEnvironment,
  type Environment,
  KIND_VARIABLE,
  LOG_VARIABLE,
} from './environment.ts'
import { MiniStack } from './ministack.ts'
import { type Destination, readDestination, USAGE, UsageError } from './options.ts'

const STOP_MS = 5_000

let interruption: NodeJS.Signals | undefined
const interrupted = Promise.withResolvers<void>()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    interruption ??= signal
    interrupted.resolve()
  })
}

try {
  const destination = readDestination(process.argv.slice(2))
  process.exitCode = destination === undefined ? help() : await runAgainst(destination)
} catch (error) {
  if (!(error instanceof UsageError)) throw error
  process.stderr.write(`${error.message}\n`)
  process.stdout.write(renderSummary({ passed: 0, failed: 1, skipped: 0 }, []))
  process.exitCode = 2
}
if (interruption !== undefined) process.exitCode = 128 + constants.signals[interruption]

function help(): number {
  process.stdout.write(USAGE)
  return 0
}

async function runAgainst(destination: Destination): Promise<number> {
  if (destination.kind === 'aws') return await runAgainstAws()
  if (destination.kind === 'emulator') return await runAgainstEmulator(destination.endpoint)
  await using ministack = await MiniStack.start()
  return await runTests('ministack', {
    ...emulatorEnvironment(ministack.endpoint, ministack.folder),
    [LOG_VARIABLE]: ministack.logPath,
  })
}

async function runAgainstAws(): Promise<number> {
  const environment = awsEnvironment(process.env)
  // Before minutes of bundling, and a failure that hides the reason.
  await requireCredentials()
  return await runTests('aws', environment)
}

async function runAgainstEmulator(endpoint: string): Promise<number> {
  await fetch(endpoint).catch((error: unknown) => {
    throw new UsageError(
      `nothing answers at ${endpoint}: start the emulator, or leave out --endpoint to have one started`,
      { cause: error },
    )
  })
  const home = await mkdtemp(join(tmpdir(), 'lambda-channels-deploy-'))
  try {
    return await runTests('emulator', emulatorEnvironment(endpoint, home))
  } finally {
    await rm(home, { recursive: true, force: true })
  }
}

async function runTests(kind: Destination['kind'], environment: Environment): Promise<number> {
  if (interruption !== undefined) return 1
  const env = { ...environment, [KIND_VARIABLE]: kind }
  const config = join(import.meta.dirname, 'vitest.config.ts')
  const vitest = spawn(process.execPath, [binary('vitest'), 'run', '--config', config], {
    cwd: root,
    env,
    stdio: ['ignore', 'inherit', 'inherit'],
    // A process group, so that all it has started can be ended with it.
    detached: true,
  })
  const exited = once(vitest, 'exit') as Promise<[number | null]>
  await Promise.race([exited, interrupted.promise])
  if (interruption === undefined) return (await exited)[0] ?? 1
  await endGroup(vitest, exited)
  if (kind !== 'ministack') await cleanUp(env)
  return 1
}

/** Ends a process and all that it has started: with SIGTERM, and SIGKILL for what does not listen. */
async function endGroup({ pid, exitCode }: ChildProcess, exited: Promise<unknown>): Promise<void> {
  if (pid === undefined || exitCode !== null) return
  process.kill(-pid, 'SIGTERM')
  const timer = setTimeout(() => process.kill(-pid, 'SIGKILL'), STOP_MS)
  await exited
  clearTimeout(timer)
}

/** What outlives this process must not keep what was half deployed. */
async function cleanUp(env: Environment): Promise<void> {
  process.stderr.write('interrupted: destroying what was deployed\n')
  try {
    await destroyStack({ env })
  } catch (error) {
    process.stderr.write(`it could not be destroyed, delete the stack by hand: ${String(error)}\n`)
  } finally {
    await removeCdkFiles()
  }
}
