import { expect, test } from 'vitest'
import { deployHints } from '../../cdk/deploy-hints.ts'

const byCdk = { CDK_CLI_VERSION: '2.1148.1 (build 1234567)' }

test('without credentials it is said how to get some', () => {
  expect(deployHints(byCdk, { tableName: undefined })).toEqual([
    expect.stringMatching(/^no AWS credentials were found.*"aws configure"/),
  ])
})

test('with credentials, or without the cdk command, there is nothing to say', () => {
  expect(deployHints({ ...byCdk, CDK_DEFAULT_ACCOUNT: '123456789012' }, { tableName: undefined })).toEqual([])
  expect(deployHints({}, { tableName: undefined })).toEqual([])
})

test('a chosen name of the table is named, with what to do if it is taken', () => {
  expect(deployHints({}, { tableName: 'chat' })).toEqual([
    expect.stringMatching(
      /^the table is to be named "chat": if there is such a table already.*choose another name/,
    ),
  ])
})
