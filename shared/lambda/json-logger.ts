import { inspect } from 'node:util'
import { Logger as Powertools } from '@aws-lambda-powertools/logger'
import type { LambdaContext } from '../gateway/index.ts'
import type { Logger } from '../logger.ts'
import { withOriginalPositions } from './original-positions.ts'
import type { LogLevel } from './readable-logger.ts'

const POWERTOOLS_LEVELS = { debug: 'DEBUG', info: 'INFO', warn: 'WARN', error: 'ERROR' } as const

/** What the lines of a {@link JsonLogger} are marked with. */
export interface JsonLoggerOptions {
  readonly level: LogLevel
  readonly service: string
}

/**
 * Lines of JSON for CloudWatch Logs Insights, by the logger of Powertools: an error with its code, its causes and a stack trace
 * in terms of the sources, and which invocation it was.
 */
export class JsonLogger implements Logger {
  readonly #powertools: Powertools

  constructor({ level, service }: JsonLoggerOptions) {
    this.#powertools = new Powertools({
      logLevel: POWERTOOLS_LEVELS[level],
      serviceName: service,
      jsonReplacerFn: (key, value: unknown) =>
        key === 'stack' && typeof value === 'string' ? withOriginalPositions(value) : value,
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
    try {
      this.#powertools[level](message, { ...details })
    } catch {
      // JSON has no words for something in it, such as an error that is its own cause: the line must not fail the event.
      this.#powertools[level](message, { details: inspect(details) })
    }
  }
}
