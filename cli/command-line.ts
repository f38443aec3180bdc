import { parseArgs, type ParseArgsOptionsConfig } from 'node:util'
import { type Command, type CommandOption, type OptionValues, UsageError } from './command.ts'
import { targetOptions } from './target.ts'

/** Options of every command. */
const commonOptions: Readonly<Record<string, CommandOption>> = {
  ...targetOptions,
  json: { help: 'JSON instead of a table' },
  help: { help: 'this text' },
}

/** A command line that was read. */
export interface CommandLine {
  readonly parameters: readonly string[]
  readonly options: OptionValues
}

/**
 * Reads what follows the name of `command`.
 *
 * @throws {@link UsageError} naming the argument and the rule
 */
export function parseCommandLine(command: Command, args: readonly string[]): CommandLine {
  const { values, positionals } = readArguments(command, args)
  const options = optionValues(values)
  if (!options.flag('help') && positionals.length !== command.parameters.length) {
    throw new UsageError(
      `${command.name} was given ${positionals.length} parameters: use ${usageOf(command)}`,
    )
  }
  return { parameters: positionals, options }
}

/** How a command is called. */
export function usageOf({ name, parameters }: Command): string {
  return ['lambda-channels', name, ...parameters].join(' ')
}

/** The help of one command. */
export function commandHelp(command: Command): string {
  return [
    `${command.summary[0]?.toUpperCase() ?? ''}${command.summary.slice(1)}.`,
    '',
    `Usage: ${usageOf(command)} [options]`,
    '',
    ...optionLines({ ...command.options, ...commonOptions }),
    '',
  ].join('\n')
}

/** The help of all. */
export function generalHelp(commands: readonly Command[]): string {
  const width = Math.max(...commands.map((command) => usageOf(command).length)) - 'lambda-channels '.length
  return [
    'Sends to channels and groups, and shows what is stored of them, from a shell.',
    '',
    'Usage: lambda-channels COMMAND [options]',
    '',
    ...commands.map(
      (command) => `  ${usageOf(command).slice('lambda-channels '.length).padEnd(width)}  ${command.summary}`,
    ),
    '',
    'Options of every command:',
    '',
    ...optionLines(commonOptions),
    '',
    'Without an option that says where, the environment says it, by the variables of the functions (CHANNELS_TABLE, …).',
    'Without these it is the npm run dev that runs on this machine.',
    '',
  ].join('\n')
}

function optionLines(options: Readonly<Record<string, CommandOption>>): readonly string[] {
  const named = Object.entries(options).map(([name, { value, help }]) => ({
    call: value === undefined ? `--${name}` : `--${name} ${value}`,
    help,
  }))
  const width = Math.max(...named.map(({ call }) => call.length))
  return named.map(({ call, help }) => `  ${call.padEnd(width)}  ${help}`)
}

type Values = Readonly<Record<string, unknown>>

function readArguments(
  command: Command,
  args: readonly string[],
): { readonly values: Values; readonly positionals: readonly string[] } {
  const options: ParseArgsOptionsConfig = {}
  for (const [name, { value }] of Object.entries({ ...command.options, ...commonOptions })) {
    options[name] = value === undefined ? { type: 'boolean' } : { type: 'string', multiple: true }
  }
  try {
    return parseArgs({ args: [...args], strict: true, allowPositionals: true, options })
  } catch (error) {
    // Node's text goes on for several sentences about how to quote; the first says what is wrong.
    const [problem = ''] = String(error instanceof Error ? error.message : error).split(/\.(?:\s|$)/)
    throw new UsageError(`${problem}: lambda-channels ${command.name} --help lists what there is`)
  }
}

function optionValues(values: Values): OptionValues {
  const texts = (name: string): readonly string[] => {
    const value = values[name]
    return Array.isArray(value) ? (value as readonly string[]) : []
  }
  return { flag: (name) => values[name] === true, text: (name) => texts(name).at(-1), texts }
}
