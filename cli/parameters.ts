import type { Message } from '../shared/index.ts'
import { UsageError } from './command.ts'

const EXAMPLE = `'{"type":"chat.message","message":"hi"}'`

/**
 * The message in a JSON text; the channel layer checks what is in it.
 *
 * @throws {@link UsageError} if it is no JSON, or no object with a type
 */
export function parseMessage(text: string): Message {
  const value = parseJson(text)
  if (typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string') {
    return value as Message
  }
  throw new UsageError(
    `the message is ${JSON.stringify(value)}: it has to be an object with a "type", as in ${EXAMPLE}`,
  )
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new UsageError(
      `the message ${text} is no JSON (${reason}): quote it for the shell, as in ${EXAMPLE}`,
    )
  }
}

/**
 * A whole number from an option; `absent` if it was not given.
 *
 * @throws {@link UsageError} if it is none, or out of range
 */
export function parseNumber(
  option: string,
  text: string | undefined,
  { absent, least, most }: { readonly absent: number; readonly least: number; readonly most: number },
): number {
  if (text === undefined) return absent
  const number = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
  if (number >= least && number <= most) return number
  throw new UsageError(`--${option} is "${text}": use a whole number from ${least} to ${most}`)
}
