import { inspect } from 'node:util'
import type { Logger } from '../logger.ts'

/** How much is logged: this and what is worse. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error']

/** Lines of `level` and above for people, on the console. */
export function createReadableLogger(level: LogLevel): Logger {
  const at = (name: LogLevel): Logger['info'] =>
    LEVELS.indexOf(name) < LEVELS.indexOf(level)
      ? () => {}
      : (message, details = {}) => write(name, message, details)
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

function write(level: LogLevel, message: string, details: object): void {
  // One line, but for the stack of an error.
  const text = Object.keys(details).length === 0 ? '' : ` ${inspect(details, { breakLength: Infinity })}`
  console[level](`${level}: ${message}${text}`)
}
