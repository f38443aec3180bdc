import type { Logger } from '../shared/index.ts'

const LEVELS = ['debug', 'info', 'warn', 'error'] as const

/** Lines of `level` and above: JSON in production, for CloudWatch Logs Insights; readable in development. */
export function createLogger(level: (typeof LEVELS)[number], isDevelopment: boolean): Logger {
  const write = isDevelopment ? writeReadable : writeJson
  const at = (name: (typeof LEVELS)[number]): Logger['info'] =>
    LEVELS.indexOf(name) < LEVELS.indexOf(level) ? () => {} : (message, details = {}) => write(name, message, details)
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

function writeReadable(level: (typeof LEVELS)[number], message: string, details: object): void {
  console[level](`${level}: ${message}`, details)
}

function writeJson(level: (typeof LEVELS)[number], message: string, details: object): void {
  console[level](JSON.stringify({ level, message, ...details }, errorsAsObjects))
}

/** An Error has no enumerable fields, so JSON would make `{}` of it. */
function errorsAsObjects(_key: string, value: unknown): unknown {
  if (!(value instanceof Error)) return value
  const { name, message, stack, cause } = value
  return { name, message, stack, ...(cause === undefined ? {} : { cause }) }
}
