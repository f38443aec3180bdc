import { afterAll, expect, test } from 'vitest'
import { cdk, type CdkOptions, removeCdkFiles } from './cdk.ts'

// What the real cdk writes when something is wrong: each message has to say what to do.

/** Nothing is ever bootstrapped here. */
const elsewhere = 'eu-west-3'
const noCredentials = { AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined }

afterAll(removeCdkFiles)

/** A deployment that fails, with what it has written. */
async function failedDeploy(args: readonly string[], env: CdkOptions['env'] = {}): Promise<string> {
  return await cdk(['deploy', '--require-approval', 'never', ...args], { env, exitCode: 1 })
}

test('without credentials it says so, and how to get some', async () => {
  const output = await failedDeploy([], noCredentials)

  expect(output).toContain('no AWS credentials were found')
  expect(output).toContain('run "aws configure" or "aws sso login", or set AWS_PROFILE')
  expect(output).toContain('Unable to resolve AWS account to use')
})

test('without credentials a template can be made all the same', async () => {
  await expect(cdk(['synth', '--quiet'], { env: noCredentials })).resolves.toContain(
    'no AWS credentials were found',
  )
})

test('in a region that is not bootstrapped it names account and region, and the command', async () => {
  const output = await failedDeploy([], { AWS_REGION: elsewhere, AWS_DEFAULT_REGION: elsewhere })

  expect(output).toContain(
    `not found in aws://000000000000/${elsewhere}. Has the environment been bootstrapped?`,
  )
  expect(output).toContain("Please run 'cdk bootstrap'")
})

test('with another region than that of the shell it names the one of the stack', async () => {
  const output = await failedDeploy(['-c', `region=${elsewhere}`])

  expect(output).toContain(
    `not found in aws://000000000000/${elsewhere}. Has the environment been bootstrapped?`,
  )
})

test('an older cdk command is told which one fits, and where it is', async () => {
  const app = 'CDK_CLI_VERSION="2.1000.0 (build abcdef0)" node cdk/app.ts'

  const output = await failedDeploy(['--app', app])

  expect(output).toContain('the cdk command is of version 2.1000.0')
  expect(output).toContain('"npm ci" brings one, and "npx cdk" runs it')
  expect(output).not.toContain('    at ')
})

test('a name for the table is told beforehand what becomes of it if the table exists', async () => {
  const output = await cdk(['synth', '--quiet', '-c', 'tableName=taken'])

  expect(output).toContain('the table is to be named "taken": if there is such a table already')
})

test.each([
  ['-c', 'front=maybe', 'context "front" is "maybe": use true or false, as in -c front=true'],
  [
    '-c',
    'region=nowhere',
    'context "region" is "nowhere": use the code of a region, as in -c region=eu-west-1',
  ],
  ['-c', 'logLevel=loud', 'context "logLevel" is "loud": use info or debug or warn or error'],
])('%s %s is refused in one line, before anything is deployed', async (flag, value, message) => {
  const output = await failedDeploy([flag, value])

  expect(output).toContain(message)
  expect(output).not.toContain('    at ')
})
