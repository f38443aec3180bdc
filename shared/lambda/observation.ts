import { ConfigurationError } from '../errors.ts'
import type { Metrics, RuntimeOptions } from '../gateway/index.ts'
import type { Logger } from '../logger.ts'
import type { Environment } from './environment.ts'
import { createReadableLogger } from './readable-logger.ts'

/** Where a runtime logs and measures. */
export type Observation = Pick<RuntimeOptions, 'logger' | 'metrics' | 'onInvocation'>

/**
 * A log, and metrics, as `environment` wants them, unless they are `given`.
 *
 * @throws {@link ConfigurationError} if a package of Powertools is missing
 */
export async function openObservation(
  environment: Environment,
  given: Partial<Observation>,
): Promise<Observation> {
  if (environment.isDevelopment)
    return { ...given, logger: given.logger ?? createReadableLogger(environment.logLevel) }
  const observation =
    given.logger === undefined ? await openLogger(environment, given) : { ...given, logger: given.logger }
  const metrics = given.metrics ?? (await openMetrics(environment, observation.logger))
  return { ...observation, metrics }
}

// Neither is loaded in development, nor where the caller has its own: together they take some 5 ms of a cold start.

async function openLogger(
  { logLevel: level, service }: Environment,
  { onInvocation }: Partial<Observation>,
): Promise<Omit<Observation, 'metrics'>> {
  const module = await import('./json-logger.ts').catch((cause: unknown) => missing('logger', cause))
  const logger = new module.JsonLogger({ level, service })
  return {
    logger,
    onInvocation: (context) => {
      logger.begin(context)
      // It may be asynchronous: who calls this hears of its failure.
      return onInvocation?.(context)
    },
  }
}

async function openMetrics({ service, isColdStart }: Environment, logger: Logger): Promise<Metrics> {
  const module = await import('./embedded-metrics.ts').catch((cause: unknown) => missing('metrics', cause))
  return new module.EmbeddedMetrics({ service, logger, isColdStart })
}

function missing(what: 'logger' | 'metrics', cause: unknown): never {
  const name = `@aws-lambda-powertools/${what}`
  throw new ConfigurationError(
    `runtimeFromEnvironment needs the package ${name} in production: npm install ${name}, or give it ${what === 'logger' ? 'a logger' : 'metrics'} of your own`,
    { cause },
  )
}
