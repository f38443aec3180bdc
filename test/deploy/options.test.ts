import { execFile } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { awsEnvironment, bareEnvironment, emulatorEnvironment } from './environment.ts'
import { readDestination } from './options.ts'

test.each([
  [[], { kind: 'ministack' }],
  [['--endpoint', 'aws'], { kind: 'aws' }],
  [['--endpoint', 'http://localhost:4566/'], { kind: 'emulator', endpoint: 'http://localhost:4566' }],
  [
    ['--endpoint=https://localhost.localstack.cloud:4566'],
    { kind: 'emulator', endpoint: 'https://localhost.localstack.cloud:4566' },
  ],
  [['--help'], undefined],
])('%j deploys to %j', (args, destination) => {
  expect(readDestination(args)).toEqual(destination)
})

test.each([
  [
    ['--endpoint', 'localhost:4566'],
    '--endpoint is "localhost:4566": use the address of an emulator, such as http://localhost:4566, or aws',
  ],
  [['--endpoint', 'AWS'], '--endpoint is "AWS": use the address of an emulator'],
  [
    ['--endpoint', 'http://127.0.0.1:4577/x'],
    '--endpoint is "http://127.0.0.1:4577/x": an emulator is named by scheme, host and port alone; use --endpoint http://127.0.0.1:4577',
  ],
  [['--endpoint', 'http://localhost:4566/?region=x'], 'use --endpoint http://localhost:4566'],
  [['--endpont', 'aws'], "Unknown option '--endpont'"],
  [['aws'], "Unexpected argument 'aws'"],
])('%j is refused', (args, message) => {
  expect(() => readDestination(args)).toThrow(message)
})

test('nothing that belongs to a real account reaches an emulator', () => {
  const names = Object.keys(emulatorEnvironment('http://localhost:4566', '/home/nobody'))

  expect(names.filter((name) => name.startsWith('AWS_')).toSorted()).toEqual([
    'AWS_ACCESS_KEY_ID',
    'AWS_DEFAULT_REGION',
    'AWS_EC2_METADATA_DISABLED',
    'AWS_ENDPOINT_URL',
    'AWS_REGION',
    'AWS_SECRET_ACCESS_KEY',
  ])
  expect(names).toContain('HOME')
})

test('an endpoint in the environment and --endpoint aws contradict each other', () => {
  expect(() => awsEnvironment({ AWS_ENDPOINT_URL_SQS: 'http://localhost:4566' })).toThrow(
    '--endpoint is "aws", but environment variable AWS_ENDPOINT_URL_SQS is "http://localhost:4566": unset it, or name that endpoint',
  )
  expect(awsEnvironment({ AWS_PROFILE: 'mine', AWS_ENDPOINT_URL: '' })).toMatchObject({ AWS_PROFILE: 'mine' })
})

test('without credentials --endpoint aws ends before anything is bundled, in one line', async () => {
  const noHome = join(tmpdir(), 'lambda-channels-nobody')
  // Else the SDK asks the address at which an instance has its credentials.
  const env = { ...bareEnvironment(noHome), AWS_EC2_METADATA_DISABLED: 'true' }
  const command = [join(import.meta.dirname, 'run.ts'), '--endpoint', 'aws']

  await expect(promisify(execFile)(process.execPath, command, { env })).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringMatching(
      /^--endpoint is "aws", and no AWS credentials were found \(.+\): run "aws configure".+\n$/,
    ),
    stdout: '0 passed, 1 failed, 0 skipped\n',
  })
})
