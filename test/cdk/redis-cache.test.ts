import { App, Stack } from 'aws-cdk-lib'
import { Match, Template } from 'aws-cdk-lib/assertions'
import { IpProtocol, type IVpc, SubnetType, Vpc, type VpcProps } from 'aws-cdk-lib/aws-ec2'
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { describe, expect, test } from 'vitest'
import { RedisCache, type RedisCacheProps } from '../../cdk/redis-cache.ts'
import { readLayerEnvironment } from '../../shared/environment/layer-environment.ts'
import { nagFindings } from '../support/nag-findings.ts'

const CACHE = 'AWS::ElastiCache::ServerlessCache'
const USER = 'AWS::ElastiCache::User'
const GROUP = 'AWS::EC2::SecurityGroup'

/** What is given of the stack, for props that need one. */
type Options = RedisCacheProps | ((stack: Stack) => RedisCacheProps)

interface Synthesized {
  readonly stack: Stack
  readonly cache: RedisCache
  readonly template: Template
}

function synth(options: Options = {}): Synthesized {
  const stack = new Stack(new App(), 'Stack', { env: { account: '111111111111', region: 'eu-west-1' } })
  const cache = new RedisCache(stack, 'Redis', typeof options === 'function' ? options(stack) : options)
  return { stack, cache, template: Template.fromStack(stack) }
}

// The types of CDK do not know exactOptionalPropertyTypes.
function vpcOf(stack: Stack, props?: VpcProps): IVpc {
  return new Vpc(stack, 'Mine', props) as IVpc
}

function onlyOne(template: Template, type: string): { readonly id: string; readonly properties: object } {
  const found = Object.entries(template.findResources(type))
  expect(found).toHaveLength(1)
  return { id: found[0]?.[0] ?? '', properties: found[0]?.[1]['Properties'] }
}

function countOf(template: Template, type: string): number {
  return Object.keys(template.findResources(type)).length
}

describe('the cache', () => {
  test('is serverless Valkey with a name of its own, which functions sign their tokens for', () => {
    const { template, cache } = synth()

    expect(onlyOne(template, CACHE).properties).toMatchObject({
      Engine: 'valkey',
      MajorEngineVersion: '8',
      ServerlessCacheName: expect.stringMatching(/^stack-redis-2f34d72b-cache[\da-f]{8}$/),
    })
    expect(cache.environment['CHANNELS_REDIS_CACHE_NAME']).toBe(cache.cache.serverlessCacheName)
  })

  test('has names that ElastiCache takes, however long those of the constructs are', () => {
    const stack = new Stack(new App(), 'Stack')
    const [one, other] = ['A', 'B'].map(
      (last) => new RedisCache(stack, `${'VeryLongName_'.repeat(6)}${last}`),
    )
    const names = [one, other].flatMap((each) => [
      each?.cache.serverlessCacheName,
      each?.user.userName,
      each?.user.userId,
    ])

    for (const name of names) expect(name).toMatch(/^(?=.{1,40}$)[a-z][a-z0-9]*(-[a-z0-9]+)*$/)
    expect(new Set(names).size).toBe(4)
  })

  test('may be limited in what it stores and computes', () => {
    const { template } = synth({ maxStorageGB: 5, maxEcpuPerSecond: 20_000 })

    template.hasResourceProperties(CACHE, {
      CacheUsageLimits: { DataStorage: { Maximum: 5, Unit: 'GB' }, ECPUPerSecond: { Maximum: 20_000 } },
    })
  })

  test('takes one user only, who logs in with IAM and may use no keys but those of the prefix', () => {
    const { template } = synth({ prefix: 'chat' })
    const user = onlyOne(template, USER)
    const users = onlyOne(template, 'AWS::ElastiCache::UserGroup')

    expect(user.properties).toMatchObject({
      Engine: 'valkey',
      AuthenticationMode: { Type: 'iam' },
      UserId: 'stack-redis-2f34d72b-user',
      UserName: 'stack-redis-2f34d72b-user',
      AccessString: expect.stringMatching(/^on ~chat:\* resetchannels -@all (?!.*\+@all).* -@dangerous /),
    })
    expect(users.properties).toMatchObject({ Engine: 'valkey', UserIds: [{ Ref: user.id }] })
    template.hasResourceProperties(CACHE, { UserGroupId: { Ref: users.id } })
  })

  test('lets who is granted connect as its user, and do nothing else', () => {
    const stack = new Stack(new App(), 'Stack')
    const cache = new RedisCache(stack, 'Redis')
    const role = new Role(stack, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') })

    cache.grantUse(role)

    const template = Template.fromStack(stack)
    template.hasResourceProperties('AWS::IAM::Policy', {
      PolicyDocument: {
        Statement: [
          {
            Action: 'elasticache:Connect',
            Effect: 'Allow',
            Resource: [
              { 'Fn::GetAtt': [onlyOne(template, CACHE).id, 'ARN'] },
              { 'Fn::GetAtt': [onlyOne(template, USER).id, 'Arn'] },
            ],
          },
        ],
      },
    })
  })

  test('gives functions variables that they understand', () => {
    const { stack, cache } = synth({ prefix: 'chat' })
    const { CHANNELS_REDIS_URL: url, ...others } = cache.environment

    expect(stack.resolve(url)).toEqual({
      'Fn::Join': [
        '',
        [
          'rediss://',
          { 'Fn::GetAtt': [expect.any(String), 'Endpoint.Address'] },
          ':',
          { 'Fn::GetAtt': [expect.any(String), 'Endpoint.Port'] },
          '?cluster=true',
        ],
      ],
    })
    const CHANNELS_REDIS_URL = 'rediss://cache.example.com:6379?cluster=true'
    expect(readLayerEnvironment({ ...others, CHANNELS_REDIS_URL })).toMatchObject({
      layer: 'redis',
      redisPrefix: 'chat',
      redisIam: {
        userName: 'stack-redis-2f34d72b-user',
        cacheName: cache.cache.serverlessCacheName,
        isServerless: true,
      },
    })
  })
})

describe('the network', () => {
  test('lets the functions alone reach the cache', () => {
    const { stack, template, cache } = synth()
    const functions: unknown = stack.resolve(cache.network?.securityGroup.securityGroupId)

    expect(countOf(template, GROUP)).toBe(2)
    expect(onlyOne(template, 'AWS::EC2::SecurityGroupIngress').properties).toMatchObject({
      SourceSecurityGroupId: functions,
      IpProtocol: 'tcp',
      FromPort: 6379,
      ToPort: 6380,
    })
    template.allResourcesProperties(GROUP, Match.objectLike({ SecurityGroupIngress: Match.absent() }))
  })

  test('leads out by IPv6 without anything that costs by the hour', () => {
    const { template, cache } = synth()

    expect(cache.isDualStack).toBe(true)
    expect(cache.network).toMatchObject({ isDualStack: true })
    for (const costly of ['AWS::EC2::NatGateway', 'AWS::EC2::InternetGateway', 'AWS::EC2::EIP']) {
      expect(countOf(template, costly)).toBe(0)
    }
    const gateway = onlyOne(template, 'AWS::EC2::EgressOnlyInternetGateway')
    const routes = Object.values(template.findResources('AWS::EC2::Route'))
    expect(routes.map((route) => route['Properties'])).toEqual([
      expect.objectContaining({
        DestinationIpv6CidrBlock: '::/0',
        EgressOnlyInternetGatewayId: { Ref: gateway.id },
      }),
      expect.objectContaining({
        DestinationIpv6CidrBlock: '::/0',
        EgressOnlyInternetGatewayId: { Ref: gateway.id },
      }),
    ])
    template.allResourcesProperties('AWS::EC2::Subnet', {
      AssignIpv6AddressOnCreation: true,
      MapPublicIpOnLaunch: false,
    })
    template.hasResourceProperties(GROUP, {
      SecurityGroupEgress: Match.arrayWith([
        Match.objectLike({ CidrIp: '0.0.0.0/0', IpProtocol: '-1' }),
        Match.objectLike({ CidrIpv6: '::/0', IpProtocol: '-1' }),
      ]),
    })
    expect(cache.environment['CHANNELS_SQS_ENDPOINT']).toBe('https://sqs.eu-west-1.api.aws')
  })

  test('leads out by one NAT gateway where that is asked for', () => {
    const { template, cache } = synth({ egress: 'nat' })

    expect(cache.isDualStack).toBe(false)
    expect(countOf(template, 'AWS::EC2::NatGateway')).toBe(1)
    expect(countOf(template, 'AWS::EC2::EgressOnlyInternetGateway')).toBe(0)
    expect(countOf(template, 'AWS::EC2::VPCCidrBlock')).toBe(0)
    expect(cache.environment).not.toHaveProperty('CHANNELS_SQS_ENDPOINT')
  })

  test.each<RedisCacheProps>([{}, { egress: 'nat' }])(
    'with %j puts the cache into two zones, and DynamoDB beside it for nothing',
    (props) => {
      const { stack, template, cache } = synth(props)
      const { subnetIds = [] } = cache.network?.vpc.selectSubnets(cache.network.vpcSubnets) ?? {}

      expect(subnetIds).toHaveLength(2)
      template.hasResourceProperties(CACHE, {
        SubnetIds: stack.resolve(subnetIds),
        ConnectionType: Match.absent(),
      })
      template.hasResourceProperties('AWS::EC2::VPCEndpoint', { VpcEndpointType: 'Gateway' })
    },
  )

  test('of yours is used as it is', () => {
    const { stack, template, cache } = synth((within) => ({
      vpc: vpcOf(within, {
        ipProtocol: IpProtocol.DUAL_STACK,
        natGateways: 0,
        subnetConfiguration: [
          { name: 'apart', subnetType: SubnetType.PRIVATE_ISOLATED },
          { name: 'out', subnetType: SubnetType.PRIVATE_WITH_EGRESS },
        ],
      }),
      vpcSubnets: { subnetGroupName: 'out' },
      egress: 'ipv6',
    }))
    const out: unknown = stack.resolve(cache.network?.vpc.selectSubnets({ subnetGroupName: 'out' }).subnetIds)

    expect(countOf(template, 'AWS::EC2::VPC')).toBe(1)
    template.hasResourceProperties(CACHE, { SubnetIds: out })
    expect(cache).toMatchObject({ isDualStack: true, network: { vpcSubnets: { subnetGroupName: 'out' } } })
  })

  test('of yours is taken to have a way out for IPv4', () => {
    expect(synth((stack) => ({ vpc: vpcOf(stack) })).cache.isDualStack).toBe(false)
  })

  test('is none with a public endpoint, which needs Valkey 9', () => {
    const { template, cache } = synth({ network: 'public' })

    expect(cache).toMatchObject({ network: undefined, isDualStack: false })
    expect(onlyOne(template, CACHE).properties).toMatchObject({
      ConnectionType: 'public',
      MajorEngineVersion: '9',
    })
    template.hasResourceProperties(CACHE, { SubnetIds: Match.absent(), SecurityGroupIds: Match.absent() })
    expect(
      Object.values(template.toJSON()['Resources']).map((each) => Reflect.get(Object(each), 'Type')),
    ).toEqual(expect.not.arrayContaining([expect.stringMatching(/^AWS::EC2::/)]))
  })
})

test.each<RedisCacheProps>([{}, { egress: 'nat' }, { network: 'public' }])(
  'cdk-nag finds nothing in %j',
  (props) => {
    const findings = nagFindings((stack) => {
      const role = new Role(stack, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') })
      new RedisCache(stack, 'Redis', props).grantUse(role)
      // It does look.
      new Vpc(stack, 'Witness', { restrictDefaultSecurityGroup: false })
    })

    expect(findings.filter((finding) => !finding.includes('Witness'))).toEqual([])
    expect(findings.join()).toContain('AwsSolutions-VPC7 Stack/Witness')
  },
)
