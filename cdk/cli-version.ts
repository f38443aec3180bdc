import { ConfigurationError } from '../shared/errors.ts'

/** The `aws-cdk` that this repository brings; older ones may not read what this `aws-cdk-lib` writes. */
export const LEAST_CLI_VERSION = '2.1148.1'

/**
 * Refuses to be run by another `cdk` command than those that can read the result. They say so themselves, but not where a
 * fitting one is.
 *
 * @param version - what the command says it is: `2.1148.1 (build 1234567)`; undefined where the app runs by itself
 */
export function requireCliVersion(version: string | undefined): void {
  if (version === undefined) return
  const actual = numbersOf(version)
  const least = numbersOf(LEAST_CLI_VERSION)
  // 3.0.0 is older than 2.1148.1, and reads less.
  if (actual[0] === least[0] && !isBefore(actual, least)) return
  throw new ConfigurationError(
    `the cdk command is of version ${version}: this app needs ${LEAST_CLI_VERSION} or a later 2.x; "npm ci" brings one, and "npx cdk" runs it`,
  )
}

function numbersOf(version: string): readonly number[] {
  return (/^\d+(?:\.\d+)*/.exec(version)?.[0] ?? '').split('.').map(Number)
}

function isBefore(a: readonly number[], b: readonly number[]): boolean {
  const index = b.findIndex((number, at) => (a[at] ?? 0) !== number)
  return index !== -1 && (a[index] ?? 0) < (b[index] ?? 0)
}
