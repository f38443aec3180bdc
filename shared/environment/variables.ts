import { ConfigurationError } from '../errors.ts'

/** Environment variables by name. */
export type Variables = Readonly<Record<string, string | undefined>>

/**
 * The value of a variable that must be set.
 *
 * @throws {@link ConfigurationError} if it is not, or is empty
 */
export function requireVariable(env: Variables, name: string): string {
  const value = env[name]
  if (value) return value
  throw new ConfigurationError(
    `environment variable ${name} is not set: set it on the function, or where the program runs`,
  )
}

/**
 * The value of a variable that can have a few only; the first of them if it is not set.
 *
 * @throws {@link ConfigurationError} naming the value and the choices
 */
export function variableOf<const Choice extends string>(
  env: Variables,
  name: string,
  choices: readonly [Choice, ...Choice[]],
): Choice {
  const value = env[name]
  if (value === undefined || value === '') return choices[0]
  const choice = choices.find((candidate) => candidate === value)
  if (choice !== undefined) return choice
  throw new ConfigurationError(
    `environment variable ${name} is "${value}": set it to one of ${choices.join(', ')}`,
  )
}
