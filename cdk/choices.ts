import { ConfigurationError } from '../shared/errors.ts'

/** @throws {@link ConfigurationError} if `value` was given and is none of `choices` */
export function requireChoice(name: string, value: unknown, choices: readonly string[]): void {
  if (value === undefined || choices.some((choice) => choice === value)) return
  throw new ConfigurationError(
    `${name} is ${JSON.stringify(value)}: use ${choices.slice(0, -1).join(', ')} or ${choices.at(-1)}`,
  )
}
