import { inspect } from 'node:util'
import type { Logger } from '../shared/index.ts'

const LEVELS = ['debug', 'info', 'warn', 'error'] as const

/** Lines of `level` and above: JSON in production, for CloudWatch Logs Insights; readable in development. */
export function createLogger(level: (typeof LEVELS)[number], isDevelopment: boolean): Logger {
  const write = isDevelopment ? writeReadable : writeJson
  const at = (name: (typeof LEVELS)[number]): Logger['info'] =>
    LEVELS.indexOf(name) < LEVELS.indexOf(level)
      ? () => {}
      : (message, details = {}) => write(name, message, details)
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

function writeReadable(level: (typeof LEVELS)[number], message: string, details: object): void {
  // One line, but for the stack of an error.
  const text = Object.keys(details).length === 0 ? '' : ` ${inspect(details, { breakLength: Infinity })}`
  console[level](`${level}: ${message}${text}`)
}

function writeJson(level: (typeof LEVELS)[number], message: string, details: object): void {
  console[level](
    jsonOf({ level, message, ...details }) ?? jsonOf({ level, message, details: inspect(details) }),
  )
}

/** JSON text; undefined if there is something in it that JSON has no words for: a log line must not fail the event. */
function jsonOf(line: object): string | undefined {
  try {
    return JSON.stringify(line, errorsAsObjects)
  } catch {
    return undefined
  }
}

/** An Error has no enumerable fields, so JSON would make `{}` of it. */
function errorsAsObjects(_key: string, value: unknown): unknown {
  if (!(value instanceof Error)) return value
  const { name, message, stack, cause } = value
  const code = 'code' in value ? value.code : undefined
  return {
    name,
    ...(code === undefined ? {} : { code }),
    message,
    stack,
    ...(cause === undefined ? {} : { cause }),
  }
}
