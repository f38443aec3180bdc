import { Logger as Powertools, LogLevelThreshold } from '@aws-lambda-powertools/logger'
import type { LambdaContext } from '../gateway/index.ts'
import type { Logger } from '../logger.ts'
import { isError, loggable } from './loggable.ts'
import { OriginalPositions } from './original-positions.ts'
import type { LogLevel } from './readable-logger.ts'

const POWERTOOLS_LEVELS = { debug: 'DEBUG', info: 'INFO', warn: 'WARN', error: 'ERROR' } as const

/** Keys that each line has; Powertools drops details of these names. */
const OWN_KEYS: ReadonlySet<string> = new Set(['level', 'message', 'sampling_rate', 'service', 'timestamp'])

/** What the lines of a {@link JsonLogger} are marked with. */
export interface JsonLoggerOptions {
  readonly level: LogLevel
  readonly service: string
}

/**
 * Lines of JSON for CloudWatch Logs Insights, by the logger of Powertools: an error with its code, its causes and a stack trace
 * in terms of the sources, and which invocation it was.
 *
 * Of an error nothing else is shown, see {@link loggable}.
 */
export class JsonLogger implements Logger {
  readonly #powertools: Powertools

  constructor({ level, service }: JsonLoggerOptions) {
    const positions = new OriginalPositions(new URL('.', import.meta.url))
    this.#powertools = new Powertools({
      logLevel: POWERTOOLS_LEVELS[level],
      serviceName: service,
      jsonReplacerFn: (key, value: unknown) =>
        key === 'stack' && typeof value === 'string' ? positions.in(value) : value,
    })
  }

  debug(message: string, details?: object): void {
    this.#write('debug', message, details)
  }

  info(message: string, details?: object): void {
    this.#write('info', message, details)
  }

  warn(message: string, details?: object): void {
    this.#write('warn', message, details)
  }

  error(message: string, details?: object): void {
    this.#write('error', message, details)
  }

  /** From now on lines tell the request id, and what else there is in Lambda's context object. */
  begin(context: LambdaContext | undefined): void {
    // Of Lambda's object Powertools takes what is text, and lives without it.
    if (context) this.#powertools.addContext(context)
  }

  #write(level: LogLevel, message: string, details: object = {}): void {
    if (LogLevelThreshold[POWERTOOLS_LEVELS[level]] < this.#powertools.level) return
    // Powertools gets copies: of an error it would show all that is enumerable, and a getter that throws would fail the event.
    this.#powertools[level](message, keysOf(details))
  }
}

/** The details of a line, under names that it does not have itself. */
function keysOf(details: object): Record<string, unknown> {
  const copy = loggable(isError(details) ? { error: details } : details)
  if (typeof copy !== 'object' || copy === null || Array.isArray(copy)) return { details: copy }
  const entries = Object.entries(copy)
  return Object.fromEntries(
    entries.map(([key, value]) => [OWN_KEYS.has(key) ? `details_${key}` : key, value]),
  )
}
