import { App } from 'aws-cdk-lib'
import { expect, test } from 'vitest'
import { ContextFlags, REGION_SHAPE, STACK_NAME_SHAPE, type TextShape } from '../../cdk/context-flags.ts'
import { ConfigurationError } from '../../shared/errors.ts'

function read(value: string, shape: TextShape): string | undefined {
  return new ContextFlags(new App({ context: { flag: value } }).node).shaped('flag', shape)
}

test.each(['a', 'Chat', 'my-chat-2', 'a'.repeat(128)])('a stack may be named %s', (name) => {
  expect(read(name, STACK_NAME_SHAPE)).toBe(name)
})

test.each(['bad_name', '2chat', '-chat', 'Gespräch', 'my chat', 'a/b', 'a'.repeat(129)])(
  'a stack named %s is refused with the rule',
  (name) => {
    expect(() => read(name, STACK_NAME_SHAPE)).toThrow(
      new ConfigurationError(
        `context "flag" is "${name}": use 1 to 128 characters, a-z, A-Z, 0-9 and "-", a letter first, as in -c flag=my-chat`,
      ),
    )
  },
)

test.each(['eu-west-1', 'ap-southeast-7', 'us-gov-west-1', 'us-isob-east-1', 'eusc-de-east-1'])(
  '%s may be a region',
  (region) => {
    expect(read(region, REGION_SHAPE)).toBe(region)
  },
)

test.each(['nowhere', 'eu-west', 'eu-west-1a', 'EU-WEST-1', 'eu_west_1'])(
  'the region %s is refused with the rule',
  (region) => {
    expect(() => read(region, REGION_SHAPE)).toThrow(
      new ConfigurationError(
        `context "flag" is "${region}": use the code of a region, as in -c flag=eu-west-1`,
      ),
    )
  },
)

test('what is not said has no shape to have', () => {
  expect(read('', REGION_SHAPE)).toBeUndefined()
})
