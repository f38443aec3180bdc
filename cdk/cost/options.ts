import { parseArgs } from 'node:util'
import { ConfigurationError } from '../../shared/errors.ts'
import { CHOICE_RULES, NUMBER_RULES, type NumberRule, type Workload } from './workload.ts'

/** What the command line says. */
export interface CostOptions {
  readonly workload: Workload
  readonly isJson: boolean
  readonly isHelp: boolean
}

type NumberField = keyof typeof NUMBER_RULES
type ChoiceField = keyof typeof CHOICE_RULES
type Texts = Readonly<Record<string, string | boolean | undefined>>

const numberFields = Object.keys(NUMBER_RULES) as readonly NumberField[]
const choiceFields = Object.keys(CHOICE_RULES) as readonly ChoiceField[]

/**
 * Reads `--connections 10000 …`.
 *
 * @throws {@link ConfigurationError} with the option, its value, the rule and what to do
 */
export function parseCostOptions(args: readonly string[]): CostOptions {
  const values = readArguments(args)
  const fallbacks = fallbacksFor(numberOf('connections', values))
  const numbers = Object.fromEntries(
    numberFields.map((field) => [field, numberOf(field, values, fallbacks[field])]),
  )
  const choices = Object.fromEntries(choiceFields.map((field) => [field, choiceOf(field, values)]))
  const workload = { ...numbers, ...choices, front: values['front'] === true } as unknown as Workload
  const isHelp = values['help'] === true
  if (!isHelp) requireConsistent(workload)
  return { workload, isJson: values['json'] === true, isHelp }
}

/** The text of `--help`. */
export function costHelp(): string {
  const options = [
    ...numberFields.map((field) => [
      `${flagOf(field)} N`,
      `${NUMBER_RULES[field].help} (${NUMBER_RULES[field].fallback})`,
    ]),
    ...choiceFields.map((field) => {
      const { choices, help } = CHOICE_RULES[field]
      return [`${flagOf(field)} ${choices.join('|')}`, `${help} (${choices[0]})`]
    }),
    ['--front', 'CloudFront is in front'],
    ['--json', 'JSON instead of a table'],
    ['--help', 'this text'],
  ]
  const width = Math.max(...options.map(([call = '']) => call.length))
  return [
    'Estimates what a month costs by AWS’s list prices in us-east-1, without free tiers.',
    '',
    'Usage: npm run cost -- [options]',
    '',
    ...options.map(([call = '', help = '']) => `  ${call.padEnd(width)}  ${help}`),
    '',
    'The formula: docs/reference/cost.md',
    '',
  ].join('\n')
}

function readArguments(args: readonly string[]): Texts {
  const options = Object.fromEntries([
    ...[...numberFields, ...choiceFields].map((field) => [nameOf(field), { type: 'string' as const }]),
    ...['front', 'json', 'help'].map((name) => [name, { type: 'boolean' as const }]),
  ])
  try {
    return parseArgs({ args: withNegatives(args), options, strict: true }).values as Texts
  } catch (error) {
    // Node's text goes on for several sentences about how to quote; the first says what is wrong.
    const [problem = ''] = String(error instanceof Error ? error.message : error).split(/\.(?:\s|$)/)
    throw new ConfigurationError(
      `${problem}: give each value after the name of its option, as in --connections 10000; npm run cost -- --help lists the options`,
      { cause: error },
    )
  }
}

/** `--connections -5` is a number that is too small, as `--connections=-5` is, and no option `-5`. */
function withNegatives(args: readonly string[]): string[] {
  const joined: string[] = []
  for (const arg of args) {
    const name = joined.at(-1)
    if (name?.startsWith('--') && !name.includes('=') && /^-[0-9.]/.test(arg))
      joined[joined.length - 1] = `${name}=${arg}`
    else joined.push(arg)
  }
  return joined
}

/** Where nobody is connected nobody speaks, and no group is larger than all who are. */
function fallbacksFor(connections: number): Partial<Record<NumberField, number>> {
  return {
    ...(connections === 0 ? { messagesPerSecond: 0 } : {}),
    groupSize: Math.max(1, Math.min(connections, NUMBER_RULES.groupSize.fallback)),
  }
}

function numberOf(
  field: NumberField,
  values: Texts,
  fallback: number = NUMBER_RULES[field].fallback,
): number {
  const { least, most, isWhole }: NumberRule = NUMBER_RULES[field]
  const text = values[nameOf(field)]
  if (typeof text !== 'string') return fallback
  const value = text.trim() === '' ? Number.NaN : Number(text)
  const isRight =
    (isWhole ? Number.isSafeInteger(value) : Number.isFinite(value)) && value >= least && value <= most
  if (isRight) return value
  const kind = isWhole ? 'a whole number' : 'a number'
  throw new ConfigurationError(
    `${flagOf(field)} is ${JSON.stringify(text)}: use ${kind} from ${least} to ${most}, the ${NUMBER_RULES[field].help}`,
  )
}

function choiceOf(field: ChoiceField, values: Texts): string {
  const choices: readonly string[] = CHOICE_RULES[field].choices
  const text = values[nameOf(field)] ?? choices[0]
  if (typeof text === 'string' && choices.includes(text)) return text
  throw new ConfigurationError(`${flagOf(field)} is ${JSON.stringify(text)}: use ${choices.join(' or ')}`)
}

function requireConsistent({ connections, messagesPerSecond, groupSize, layer, egress }: Workload): void {
  if (messagesPerSecond > 0 && groupSize > connections) {
    throw new ConfigurationError(
      `--group-size is ${groupSize} and --connections ${connections}: a group cannot have more members than there are connections; lower the one or raise the other`,
    )
  }
  if (egress === 'nat' && layer !== 'redis') {
    throw new ConfigurationError(
      `--egress is "nat" and --layer "${layer}": only Redis needs a network; add --layer redis, or leave --egress out`,
    )
  }
}

function flagOf(field: string): string {
  return `--${nameOf(field)}`
}

function nameOf(field: string): string {
  return field.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}
