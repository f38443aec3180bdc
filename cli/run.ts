import { ChannelsError, type Logger, StoreError } from '../shared/index.ts'
import type { Variables } from '../shared/environment/index.ts'
import { type Command, type Report, UsageError } from './command.ts'
import { commandHelp, generalHelp, parseCommandLine } from './command-line.ts'
import { commands } from './commands.ts'
import { EnvironmentReach } from './reach.ts'
import { findTarget } from './target.ts'
import { jsonText, plain } from './text.ts'

const DONE = 0
const FAILED = 1
const USED_WRONGLY = 2

/** What a command line has of the process that it runs in. */
export interface CliSurroundings {
  readonly env: Variables
  readonly out: (text: string) => void
  readonly problem: (text: string) => void
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** Runs a command line. Resolves to the exit code: 0, 1 if something failed, 2 if the command line is wrong. */
export async function run(args: readonly string[], around: CliSurroundings): Promise<number> {
  try {
    return await execute(args, around)
  } catch (error) {
    around.problem(`${explain(error)}\n`)
    return isMisuse(error) ? USED_WRONGLY : FAILED
  }
}

async function execute([name, ...args]: readonly string[], around: CliSurroundings): Promise<number> {
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    const write = name === undefined ? around.problem : around.out
    write(generalHelp(commands))
    return name === undefined ? USED_WRONGLY : DONE
  }
  const command = findCommand(name)
  const line = parseCommandLine(command, args)
  if (line.options.flag('help')) {
    around.out(commandHelp(command))
    return DONE
  }
  const isJson = line.options.flag('json')
  const findEnvironment = async (): Promise<Variables> => {
    const target = await findTarget(line.options, around.env)
    if (!isJson) around.problem(`${plain(target.description)}\n`)
    return target.env
  }
  await using reach = new EnvironmentReach(findEnvironment, problemLogger(around))
  const report = await command.run({ ...line, reach, now: around.now() })
  around.out(textOf(report, isJson))
  return report.hasFailed === true ? FAILED : DONE
}

function findCommand(name: string): Command {
  const command = commands.find((known) => known.name === name)
  if (command !== undefined) return command
  const names = commands.map((known) => known.name).join(', ')
  throw new UsageError(`there is no command ${JSON.stringify(name)}: use one of ${names}`)
}

function textOf({ json, lines }: Report, isJson: boolean): string {
  return isJson ? `${jsonText(json)}\n` : lines.map((line) => `${line}\n`).join('')
}

/** A name or message that breaks a rule is as wrong as an option that does not exist. */
function isMisuse(error: unknown): boolean {
  return error instanceof UsageError || (error instanceof ChannelsError && !(error instanceof StoreError))
}

function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const missing = missingPackage(error)
  if (missing !== undefined) {
    return `${missing} is not installed, and this needs it: npm install ${missing}`
  }
  // What is wrong with a queue is in the cause: a store's error says it itself.
  const { cause } = error
  const reason = cause instanceof Error && !error.message.includes(cause.message) ? ` (${cause.message})` : ''
  return oneLine(error.message + reason)
}

/** The package that could not be loaded, somewhere in the causes of `error`. */
function missingPackage(error: Error): string | undefined {
  const { code, cause } = error as NodeJS.ErrnoException
  if (code === 'ERR_MODULE_NOT_FOUND') return /Cannot find package '([^']+)'/.exec(error.message)?.[1]
  return cause instanceof Error ? missingPackage(cause) : undefined
}

function oneLine(text: string): string {
  return plain(text.trim().replaceAll(/\s*\n\s*/g, ' '))
}

function problemLogger({ problem }: CliSurroundings): Logger {
  const write = (message: string): void => problem(`${oneLine(message)}\n`)
  return { debug: () => undefined, info: () => undefined, warn: write, error: write }
}
