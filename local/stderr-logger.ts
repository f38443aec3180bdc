import type { Logger } from '../shared/logger.ts'

/** Writes warnings and errors to standard error, one line each; drops the rest. */
export const stderrLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: (message, details) => write('warn', message, details),
  error: (message, details) => write('error', message, details),
}

function write(level: string, message: string, details: object | undefined): void {
  process.stderr.write(`${level}: ${message}${details === undefined ? '' : ` ${JSON.stringify(details)}`}\n`)
}
