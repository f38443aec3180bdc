import { App, Stack } from 'aws-cdk-lib'
import { type IVpc, Vpc, type VpcProps } from 'aws-cdk-lib/aws-ec2'
import { expect, test } from 'vitest'
import { RedisCache, type RedisCacheProps } from '../../cdk/redis-cache.ts'
import { ConfigurationError } from '../../shared/errors.ts'

type Options = RedisCacheProps | ((stack: Stack) => RedisCacheProps)

function make(options: Options): void {
  const stack = new Stack(new App(), 'Stack')
  new RedisCache(stack, 'Redis', typeof options === 'function' ? options(stack) : options)
}

// The types of CDK do not know exactOptionalPropertyTypes.
function vpcOf(stack: Stack, props?: VpcProps): IVpc {
  return new Vpc(stack, 'Mine', props) as IVpc
}

test.each<[string, Options, string]>([
  [
    'a VPC for a public endpoint',
    (stack) => ({ network: 'public', vpc: vpcOf(stack), egress: 'nat' }),
    'redis.network is "public", and redis.vpc and redis.egress are given: functions are in no VPC then',
  ],
  [
    'subnets of nowhere',
    { vpcSubnets: { subnetGroupName: 'out' } },
    'redis.vpcSubnets are given without redis.vpc: give the VPC that they are in',
  ],
  [
    'subnets in one zone',
    (stack) => ({ vpc: vpcOf(stack, { maxAzs: 1 }) }),
    'redis.vpcSubnets select 1 subnet in zones of their own: a serverless cache needs 2 at least',
  ],
  [
    'a public endpoint of an old engine',
    { network: 'public', majorEngineVersion: '8' },
    'redis.majorEngineVersion is "8": use a whole number from 9',
  ],
  ['an engine that is too old', { majorEngineVersion: '6' }, 'is "6": use a whole number from 7'],
  ['a minor version', { majorEngineVersion: '8.1' }, 'is "8.1": use a whole number'],
  ['a prefix that is no name', { prefix: 'a b' }, 'redis.prefix "a b" cannot begin a key'],
  ['a prefix of all keys', { prefix: '*' }, 'redis.prefix "*" cannot begin a key'],
  ['too little room', { maxStorageGB: 0 }, 'redis.maxStorageGB is 0: use a whole number from 1 to 5000'],
  [
    'too little speed',
    { maxEcpuPerSecond: 10 },
    'redis.maxEcpuPerSecond is 10: use a whole number from 1000',
  ],
])('%s is refused', (_, options, message) => {
  expect(() => make(options)).toThrow(ConfigurationError)
  expect(() => make(options)).toThrow(message)
})
