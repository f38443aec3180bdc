import { App, Stack } from 'aws-cdk-lib'
import { type IVpc, Vpc, type VpcProps } from 'aws-cdk-lib/aws-ec2'
import { expect, test } from 'vitest'
import { RedisCache, type RedisCacheProps } from '../../cdk/redis-cache.ts'
import { ConfigurationError } from '../../shared/errors.ts'

type Options = RedisCacheProps | ((stack: Stack) => RedisCacheProps)

function make(options: Options, region?: string): void {
  const stack = new Stack(new App(), 'Stack', region === undefined ? {} : { env: { region } })
  new RedisCache(stack, 'Redis', typeof options === 'function' ? options(stack) : options)
}

/** What the types forbid, and JavaScript gives. */
const untyped = (props: object): RedisCacheProps => props

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
  ['a network that there is not', untyped({ network: 'vcp' }), 'redis.network is "vcp": use vpc or public'],
  ['a way out that there is not', untyped({ egress: 'natt' }), 'redis.egress is "natt": use ipv6 or nat'],
  [
    'zones for a public endpoint',
    { network: 'public', availabilityZones: ['us-east-1a', 'us-east-1b'] },
    'redis.network is "public", and redis.availabilityZones is given',
  ],
  [
    'zones for a VPC of yours',
    (stack) => ({ vpc: vpcOf(stack), availabilityZones: ['us-east-1a', 'us-east-1b'] }),
    'redis.vpc and redis.availabilityZones are given, and the zones are those of a new VPC: choose',
  ],
  [
    'one zone',
    { availabilityZones: ['us-east-1a'] },
    'redis.availabilityZones is ["us-east-1a"]: give a list of the names of 2 or 3 zones, such as "us-east-1a"',
  ],
  [
    'four zones',
    { availabilityZones: ['us-east-1a', 'us-east-1b', 'us-east-1c', 'us-east-1d'] },
    'give a list of the names of 2 or 3 zones',
  ],
  [
    'one zone twice',
    { availabilityZones: ['us-east-1a', 'us-east-1a'] },
    'redis.availabilityZones is ["us-east-1a","us-east-1a"]',
  ],
  ['ids of zones', { availabilityZones: ['use1-az1', 'use1-az2'] }, 'an id such as "use1-az1" is no name'],
  [
    'zones in a text',
    untyped({ availabilityZones: 'us-east-1a' }),
    'redis.availabilityZones is "us-east-1a": give a list',
  ],
  [
    'a public endpoint of an old engine',
    { network: 'public', majorEngineVersion: '8' },
    'redis.majorEngineVersion is "8", and redis.network is "public": use 9, older ones have no public endpoint',
  ],
  [
    'an engine that is too old',
    untyped({ majorEngineVersion: '6' }),
    'redis.majorEngineVersion is "6": use 7, 8 or 9',
  ],
  ['an engine of the future', untyped({ majorEngineVersion: '99' }), 'redis.majorEngineVersion is "99": use'],
  ['a minor version', untyped({ majorEngineVersion: '8.1' }), 'redis.majorEngineVersion is "8.1": use'],
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

test.each<[string, RedisCacheProps, string]>([
  ['cn-north-1', {}, 'redis.egress is "ipv6", and the stack is in cn-north-1, where SQS has no name'],
  ['cn-northwest-1', { egress: 'ipv6' }, 'with an IPv6 address: set redis.egress to nat'],
  [
    'eu-west-1',
    { availabilityZones: ['us-east-1a', 'us-east-1b'] },
    'give a list of the names of 2 or 3 zones of eu-west-1, such as "eu-west-1a"',
  ],
])('in %s %j is refused', (region, options, message) => {
  expect(() => make(options, region)).toThrow(ConfigurationError)
  expect(() => make(options, region)).toThrow(message)
})

test.each<[string, RedisCacheProps]>([
  ['cn-north-1', { egress: 'nat' }],
  ['cn-north-1', { network: 'public' }],
  ['us-gov-west-1', {}],
])('in %s %j is taken', (region, options) => {
  expect(() => make(options, region)).not.toThrow()
})
