import { App, Fn, Stack, type StackProps } from 'aws-cdk-lib'
import { Template } from 'aws-cdk-lib/assertions'
import { type IVpc, Vpc } from 'aws-cdk-lib/aws-ec2'
import { describe, expect, test } from 'vitest'
import { RedisCache, type RedisCacheProps } from '../../cdk/redis-cache.ts'

/** What is given of the stack, for props that need one. */
type Options = RedisCacheProps | ((stack: Stack) => RedisCacheProps)

interface Resource {
  readonly Type: string
  readonly Properties: Readonly<Record<string, unknown>>
}

const ireland = { env: { account: '111111111111', region: 'eu-west-1' } }

function resourcesOf(options: Options, props: StackProps = ireland): Readonly<Record<string, Resource>> {
  const stack = new Stack(new App(), 'Stack', props)
  new RedisCache(stack, 'Redis', typeof options === 'function' ? options(stack) : options)
  return Template.fromStack(stack).toJSON()['Resources'] as Record<string, Resource>
}

/** Ids of what cannot be changed in place, or cannot move to another VPC, and the names and addresses that two cannot share. */
function unmovable(options: Options): { readonly ids: readonly string[]; readonly name: unknown } {
  const kinds = ['EC2::VPC', 'EC2::Subnet', 'EC2::SecurityGroup', 'ElastiCache::ServerlessCache']
  const found = Object.entries(resourcesOf(options)).filter(([, { Type }]) => kinds.includes(Type.slice(5)))
  const cache = found.find(([, { Type }]) => Type.endsWith('ServerlessCache'))?.[1]
  return {
    ids: found.map(([id]) => id).filter((id) => !id.startsWith('Mine')),
    name: cache?.Properties['ServerlessCacheName'],
  }
}

// The types of CDK do not know exactOptionalPropertyTypes.
const newVpc = (scope: Stack, id = 'Mine'): IVpc => new Vpc(scope, id) as IVpc

const [first, second, third] = ['1', '2', '3'].map((last) => `subnet-0123456789abcdef${last}`) as [
  string,
  string,
  string,
]

function importedVpc(stack: Stack, subnets: readonly string[], id = 'Mine'): IVpc {
  return Vpc.fromVpcAttributes(stack, id, {
    vpcId: 'vpc-0123456789abcdef0',
    availabilityZones: ['eu-west-1a', 'eu-west-1b'],
    privateSubnetIds: [...subnets],
  })
}

test('a new VPC is in the zones that are named', () => {
  const subnets = Object.values(
    resourcesOf({ availabilityZones: ['eu-west-1c', 'eu-west-1b', 'eu-west-1a'] }),
  )
    .filter(({ Type }) => Type === 'AWS::EC2::Subnet')
    .map(({ Properties }) => Properties['AvailabilityZone'])

  expect(subnets).toEqual(['eu-west-1c', 'eu-west-1b', 'eu-west-1a'])
})

test('a new VPC is in the first two zones of whatever region the stack will be in', () => {
  const subnets = Object.values(resourcesOf({}, {}))
    .filter(({ Type }) => Type === 'AWS::EC2::Subnet')
    .map(({ Properties }) => Properties['AvailabilityZone'])

  expect(subnets).toEqual([0, 1].map((index) => ({ 'Fn::Select': [index, { 'Fn::GetAZs': '' }] })))
})

describe('CloudFormation can make what is elsewhere before it removes what was there:', () => {
  test.each<[string, Options, Options]>([
    ['other zones', {}, { availabilityZones: ['eu-west-1b', 'eu-west-1c'] }],
    ['another way out', {}, { egress: 'nat' }],
    ['a VPC of yours', {}, (stack) => ({ vpc: newVpc(stack) })],
    [
      'another VPC of yours',
      (stack) => ({ vpc: newVpc(stack) }),
      (stack) => ({ vpc: newVpc(stack, 'MineToo') }),
    ],
    [
      'a VPC of the same name in another stack',
      (stack) => ({ vpc: newVpc(new Stack(stack.node.root, 'One', ireland)) }),
      (stack) => ({ vpc: newVpc(new Stack(stack.node.root, 'Other', ireland)) }),
    ],
    [
      'other subnets',
      (stack) => ({ vpc: importedVpc(stack, [first, second]) }),
      (stack) => ({ vpc: importedVpc(stack, [third, second]) }),
    ],
    [
      'subnets of other exports',
      (stack) => ({ vpc: importedVpc(stack, [Fn.importValue('a'), Fn.importValue('b')]) }),
      (stack) => ({ vpc: importedVpc(stack, [Fn.importValue('a'), Fn.importValue('c')]) }),
    ],
    ['a public endpoint', {}, { network: 'public' }],
  ])('%s', (_, before, after) => {
    const [old, fresh] = [unmovable(before), unmovable(after)]

    expect(fresh.ids.filter((id) => old.ids.includes(id))).toEqual([])
    expect(fresh.name).not.toBe(old.name)
  })

  test.each<[string, Options, Options]>([
    ['nothing', {}, {}],
    [
      'prefix, engine and limits',
      {},
      { prefix: 'chat', majorEngineVersion: '9', maxStorageGB: 5, egress: 'ipv6' },
    ],
    [
      'what a VPC of yours is called in the code',
      (stack) => ({ vpc: importedVpc(stack, [first, second]) }),
      (stack) => ({ vpc: importedVpc(stack, [first, second], 'MineToo') }),
    ],
    [
      'the way out of a VPC of yours',
      (stack) => ({ vpc: newVpc(stack) }),
      (stack) => ({ vpc: newVpc(stack), egress: 'ipv6' }),
    ],
  ])('but it stays where it is when what changes is %s', (_, before, after) => {
    expect(unmovable(after)).toEqual(unmovable(before))
  })
})
