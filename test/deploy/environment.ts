import { dirname } from 'node:path'
import { binary } from '../support/repository.ts'
import { type Destination, UsageError } from './options.ts'

/** Environment variables of a process. */
export type Environment = Readonly<Record<string, string>>

/** Says to the tests what they run against. */
export const KIND_VARIABLE = 'TEST_DEPLOY_KIND'

/** The file that MiniStack writes its log to. */
export const LOG_VARIABLE = 'TEST_DEPLOY_LOG'

/** Nothing of it calls home, and nothing waits for an answer. */
const QUIET = { CI: 'true', NO_COLOR: '1', CDK_DISABLE_CLI_TELEMETRY: 'true', NO_UPDATE_NOTIFIER: '1' }

/**
 * What a process on this machine needs that is to know nothing of who runs it: no credentials, no profile, no proxy. The
 * first `node` it finds is this one, which MiniStack runs functions with.
 */
export function bareEnvironment(home: string): Environment {
  const path = [dirname(process.execPath), dirname(binary('cdk')), process.env['PATH'] ?? ''].join(':')
  return { ...QUIET, PATH: path, HOME: home, TMPDIR: home }
}

/** For all that talks to an emulator. Credentials of real accounts never get there. */
export function emulatorEnvironment(endpoint: string, home: string): Environment {
  return {
    ...bareEnvironment(home),
    AWS_ENDPOINT_URL: endpoint,
    AWS_REGION: 'us-east-1',
    AWS_DEFAULT_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    AWS_EC2_METADATA_DISABLED: 'true',
    // An emulator has no host for each bucket.
    CDK_S3_FORCE_PATH_STYLE: '1',
  }
}

/**
 * For all that talks to a real account: this process's own.
 *
 * @throws UsageError if it says to go elsewhere
 */
export function awsEnvironment(env: NodeJS.ProcessEnv): Environment {
  const elsewhere = Object.keys(env).find((name) => name.startsWith('AWS_ENDPOINT_URL') && env[name])
  if (elsewhere !== undefined) {
    throw new UsageError(
      `--endpoint is "aws", but environment variable ${elsewhere} is "${env[elsewhere]}": unset it, or name that endpoint`,
    )
  }
  const own = Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined)
  return { ...Object.fromEntries(own), ...QUIET }
}

/** What the tests run against. */
export function destinationKind(env: NodeJS.ProcessEnv = process.env): Destination['kind'] {
  const kind = env[KIND_VARIABLE]
  if (kind === 'ministack' || kind === 'emulator' || kind === 'aws') return kind
  throw new UsageError('these tests need something to deploy to: start them with npm run test:deploy')
}
