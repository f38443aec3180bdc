import type { Duration } from 'aws-cdk-lib'
import { ConfigurationError } from '../shared/errors.ts'

/**
 * The seconds of a timeout.
 *
 * @param name - of the option, with "the" where the sentence needs it
 * @throws {@link ConfigurationError} for what is no Duration: JavaScript gives what the type forbids
 */
export function timeoutSeconds(timeout: Duration, name: string): number {
  const given: unknown = timeout
  // Not instanceof: a project may have two copies of aws-cdk-lib.
  if (typeof given === 'object' && given !== null && 'toSeconds' in given) {
    return timeout.toSeconds({ integral: false })
  }
  throw new ConfigurationError(
    `${name} is ${JSON.stringify(given)}: use a Duration of aws-cdk-lib, as in Duration.seconds(29)`,
  )
}
