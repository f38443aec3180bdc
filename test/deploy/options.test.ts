import { expect, test } from 'vitest'
import { awsEnvironment, emulatorEnvironment } from './environment.ts'
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
