import { Names, Stack } from 'aws-cdk-lib'
import { CfnServerlessCache, CfnUser, CfnUserGroup } from 'aws-cdk-lib/aws-elasticache'
import { Grant, type IGrantable } from 'aws-cdk-lib/aws-iam'
import { Construct } from 'constructs'
import { layerVariables } from '../shared/environment/layer-environment.ts'
import { ConfigurationError } from '../shared/errors.ts'
import { requireWholeNumber } from '../shared/whole-number.ts'
import type { FunctionNetwork } from './channels-function.ts'
import { requireChoice } from './choices.ts'
import type { LayerStore } from './layer-store.ts'
import { redisAccessString } from './redis-access.ts'
import { RedisNetwork, type RedisNetworkProps } from './redis-network.ts'

/** Options of {@link RedisCache}. */
export interface RedisCacheProps extends RedisNetworkProps {
  /**
   * - `vpc`: cache and functions are in a VPC.
   * - `public`: the cache has a public endpoint, and the functions are in no VPC. Needs Valkey 9.
   *
   * It cannot be changed later without losing what is in the cache: all connections that are open.
   *
   * @default 'vpc'
   */
  readonly network?: 'vpc' | 'public'
  /**
   * The major version of Valkey.
   *
   * @default - `8`; `9` with a public endpoint
   */
  readonly majorEngineVersion?: '7' | '8' | '9'
  /**
   * What every key begins with: 1 to 64 letters, digits, `_`, `.`, `:` and `-`. The functions may use no other keys.
   *
   * @default 'channels'
   */
  readonly prefix?: string
  /**
   * The most that the cache may store, in GB, 1 to 5000. When it is full, nobody can connect or join.
   *
   * @default - what ElastiCache allows
   */
  readonly maxStorageGB?: number
  /**
   * The most processing units (ECPU) in a second, 1000 to 15 000 000. What comes beyond them is refused.
   *
   * @default - what ElastiCache allows
   */
  readonly maxEcpuPerSecond?: number
}

const PREFIX = /^[\w.:-]{1,64}$/
/** Of names of caches, users and groups of users. */
const LONGEST_NAME = 40
const WITH_PUBLIC_ENDPOINT = '9'

/**
 * A serverless Valkey cache for the channel layer, and the user that functions log in to it as, with their role instead
 * of a password.
 *
 * @throws {@link ConfigurationError} for props that do not fit, with the value, the rule and what to do
 */
export class RedisCache extends Construct implements LayerStore {
  /** Where functions have to be; undefined if that does not matter. */
  readonly network: FunctionNetwork | undefined
  /** Whether functions reach what is outside by IPv6 alone: then a WebSocket API has to be dual-stack. */
  readonly isDualStack: boolean
  readonly cache: CfnServerlessCache
  readonly user: CfnUser
  /** What tells functions where the cache is and how they log in. */
  readonly environment: Readonly<Record<string, string>>

  constructor(scope: Construct, id: string, props: RedisCacheProps = {}) {
    super(scope, id)
    const { prefix = 'channels' } = props
    if (!PREFIX.test(prefix)) {
      throw new ConfigurationError(
        `redis.prefix ${JSON.stringify(prefix)} cannot begin a key: use 1 to 64 letters, digits, "_", ".", ":" and "-"`,
      )
    }
    const network = isPublic(props) ? undefined : new RedisNetwork(this, 'Network', props)
    this.network = network
    this.isDualStack = network?.isDualStack ?? false
    this.user = this.#createUser(prefix)
    this.cache = this.#createCache(props, network)
    this.environment = this.#describe(prefix)
  }

  /** Lets `grantee` log in as the user of the functions, and do nothing else to cache or user. */
  grantUse(grantee: IGrantable): Grant {
    return Grant.addToPrincipal({
      grantee,
      actions: ['elasticache:Connect'],
      resourceArns: [this.cache.attrArn, this.user.attrArn],
    })
  }

  #createUser(prefix: string): CfnUser {
    // Who logs in with IAM has one name for both.
    const name = physicalName(this, 'User')
    return new CfnUser(this, 'User', {
      engine: 'valkey',
      userId: name,
      userName: name,
      accessString: redisAccessString(prefix),
      authenticationMode: { Type: 'iam' },
    })
  }

  #createCache(props: RedisCacheProps, network: RedisNetwork | undefined): CfnServerlessCache {
    const users = new CfnUserGroup(this, 'Users', {
      engine: 'valkey',
      userGroupId: physicalName(this, 'Users'),
      userIds: [this.user.ref],
    })
    const limits = usageLimits(props)
    // A cache moves to no other subnets: it is another cache, which cannot have the same name as long as this one is there.
    const id = network ? `Cache${network.fingerprint}` : 'PublicCache'
    return new CfnServerlessCache(this, id, {
      serverlessCacheName: physicalName(this, id),
      description: 'Connections, groups and messages of Channels',
      engine: 'valkey',
      majorEngineVersion: engineVersion(props),
      userGroupId: users.ref,
      ...(network
        ? {
            subnetIds: [...network.cacheSubnetIds],
            securityGroupIds: [network.cacheSecurityGroup.securityGroupId],
          }
        : { connectionType: 'public' }),
      ...(limits === undefined ? {} : { cacheUsageLimits: limits }),
    })
  }

  #describe(prefix: string): Readonly<Record<string, string>> {
    const { attrEndpointAddress: host, attrEndpointPort: port } = this.cache
    return {
      [layerVariables.layer]: 'redis',
      [layerVariables.redisUrl]: `rediss://${host}:${port}?cluster=true`,
      [layerVariables.redisPrefix]: prefix,
      [layerVariables.redisIamUser]: this.user.userName,
      [layerVariables.redisCacheName]: this.cache.serverlessCacheName,
      // The name that SQS is called by otherwise has no IPv6 address everywhere.
      // https://docs.aws.amazon.com/general/latest/gr/sqs-service.html
      ...(this.isDualStack
        ? { [layerVariables.sqsEndpoint]: `https://sqs.${Stack.of(this).region}.api.aws` }
        : {}),
    }
  }
}

/** ElastiCache makes up no names. Ours is that of the construct, with a hash where it is too long. */
function physicalName(scope: Construct, id: string): string {
  const separator = '-'
  const maxLength = LONGEST_NAME - separator.length - id.length
  const place = Names.uniqueResourceName(scope, { maxLength, separator })
  return `${place}${separator}${id}`.toLowerCase()
}

/** @throws {@link ConfigurationError} if `network` is none, or is given with what only a VPC has */
function isPublic(props: RedisCacheProps): boolean {
  requireChoice('redis.network', props.network, ['vpc', 'public'])
  if (props.network !== 'public') return false
  const given = (['vpc', 'vpcSubnets', 'availabilityZones', 'egress'] as const).filter(
    (name) => props[name] !== undefined,
  )
  if (given.length === 0) return true
  throw new ConfigurationError(
    `redis.network is "public", and redis.${given.join(' and redis.')} ${given.length === 1 ? 'is' : 'are'} given: functions are in no VPC then; leave that out, or leave redis.network out`,
  )
}

function engineVersion({ network, majorEngineVersion }: RedisCacheProps): string {
  requireChoice('redis.majorEngineVersion', majorEngineVersion, ['7', '8', '9'])
  if (network !== 'public') return majorEngineVersion ?? '8'
  if (majorEngineVersion === undefined || majorEngineVersion === WITH_PUBLIC_ENDPOINT)
    return WITH_PUBLIC_ENDPOINT
  throw new ConfigurationError(
    `redis.majorEngineVersion is "${majorEngineVersion}", and redis.network is "public": use ${WITH_PUBLIC_ENDPOINT}, older ones have no public endpoint; or leave redis.network out`,
  )
}

function usageLimits({
  maxStorageGB,
  maxEcpuPerSecond,
}: RedisCacheProps): CfnServerlessCache.CacheUsageLimitsProperty | undefined {
  if (maxStorageGB === undefined && maxEcpuPerSecond === undefined) return undefined
  return {
    ...(maxStorageGB === undefined
      ? {}
      : {
          dataStorage: {
            maximum: requireWholeNumber(maxStorageGB, 'redis.maxStorageGB', { most: 5_000 }),
            unit: 'GB',
          },
        }),
    ...(maxEcpuPerSecond === undefined
      ? {}
      : {
          ecpuPerSecond: {
            maximum: requireWholeNumber(maxEcpuPerSecond, 'redis.maxEcpuPerSecond', {
              least: 1_000,
              most: 15_000_000,
            }),
          },
        }),
  }
}
