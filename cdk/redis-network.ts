import { createHash } from 'node:crypto'
import { Stack, Token } from 'aws-cdk-lib'
import {
  GatewayVpcEndpointAwsService,
  IpProtocol,
  type ISecurityGroup,
  type ISubnet,
  type IVpc,
  Port,
  SecurityGroup,
  type SubnetSelection,
  SubnetType,
  Vpc,
} from 'aws-cdk-lib/aws-ec2'
import { Construct } from 'constructs'
import { ConfigurationError } from '../shared/errors.ts'
import type { FunctionNetwork } from './channels-function.ts'
import { acceptFinding } from './nag-reasons.ts'
import { LEAST_ZONES, MOST_ZONES, requireNetwork } from './redis-network-rules.ts'

/** How functions in a VPC reach what is outside: API Gateway, queues, and what their code calls. */
export type RedisEgress = 'ipv6' | 'nat'

/** Options of {@link RedisNetwork}. */
export interface RedisNetworkProps {
  /**
   * - `ipv6`: an egress-only internet gateway, which costs nothing by the hour. What has no IPv6 address cannot be reached.
   *   Of a VPC of yours the subnets have to be dual-stack, with a route for `::/0`.
   * - `nat`: a NAT gateway, billed by the hour and the gigabyte. Of a VPC of yours: whatever way out its subnets have.
   *
   * @default - `ipv6`; with `vpc` it is `nat`
   */
  readonly egress?: RedisEgress
  /**
   * A VPC of yours.
   *
   * @default - a new one with subnets in two zones
   */
  readonly vpc?: IVpc
  /**
   * The names of the two or three zones of a new VPC. ElastiCache has no serverless caches in some zones of some regions.
   *
   * @default - the first two of the account in the region
   */
  readonly availabilityZones?: readonly string[]
  /**
   * The subnets of `vpc` for functions and cache, in two zones at least.
   *
   * @default - those with a NAT gateway or another way out
   */
  readonly vpcSubnets?: SubnetSelection
}

const DEFAULT_ZONES = 2

/** 6379 leads to the primary of a serverless cache, 6380 to replicas, which it names to every client too. */
const CACHE_PORTS = Port.tcpRange(6379, 6380)

/**
 * Where functions and a cache meet: nobody but the functions reaches the cache.
 *
 * Subnets, and the cache in them, can be replaced but not changed, and two that exist at the same time cannot have the same
 * range of addresses or the same name. So what is in other zones or subnets has other ids too, and CloudFormation makes all
 * of it before it removes what was there.
 */
export class RedisNetwork extends Construct implements FunctionNetwork {
  readonly vpc: IVpc
  readonly vpcSubnets: SubnetSelection
  /** Of the functions. */
  readonly securityGroup: ISecurityGroup
  readonly isDualStack: boolean
  /** Of the cache. */
  readonly cacheSecurityGroup: ISecurityGroup
  readonly cacheSubnetIds: readonly string[]
  /** Another one for other subnets of the cache: part of the names of what cannot move. */
  readonly fingerprint: string

  /** @throws {@link ConfigurationError} for props that do not fit, with the value, the rule and what to do */
  constructor(scope: Construct, id: string, props: RedisNetworkProps = {}) {
    super(scope, id)
    const { vpc, vpcSubnets = { subnetType: SubnetType.PRIVATE_WITH_EGRESS } } = props
    const { egress = vpc ? 'nat' : 'ipv6', availabilityZones } = props
    requireNetwork({ ...props, egress }, Stack.of(this).region)
    this.isDualStack = egress === 'ipv6'
    // The types of CDK do not know exactOptionalPropertyTypes.
    this.vpc = vpc ?? (this.#createVpc(egress, availabilityZones) as IVpc)
    this.vpcSubnets = vpcSubnets
    const cacheSubnets = this.#selectCacheSubnets()
    this.cacheSubnetIds = cacheSubnets.map(({ subnetId }) => subnetId)
    this.fingerprint = fingerprintOf(cacheSubnets.map(identify))
    this.securityGroup = new SecurityGroup(this, `Functions${this.fingerprint}`, {
      vpc: this.vpc,
      description: 'Functions of Channels: they may call anything, nobody calls them',
      allowAllIpv6Outbound: true,
    })
    this.cacheSecurityGroup = new SecurityGroup(this, `Cache${this.fingerprint}`, {
      vpc: this.vpc,
      description: 'Cache of Channels: only the functions may call it',
      allowAllOutbound: false,
    })
    this.cacheSecurityGroup.addIngressRule(this.securityGroup, CACHE_PORTS, 'Functions of Channels')
  }

  #createVpc(egress: RedisEgress, zones: readonly string[] | undefined): Vpc {
    const stack = Stack.of(this)
    const availabilityZones = [...(zones ?? stack.availabilityZones.slice(0, DEFAULT_ZONES))]
    const functions = { name: 'functions', subnetType: SubnetType.PRIVATE_WITH_EGRESS }
    const way =
      egress === 'ipv6'
        ? {
            ipProtocol: IpProtocol.DUAL_STACK,
            natGateways: 0,
            createInternetGateway: false,
            subnetConfiguration: [functions],
          }
        : {
            natGateways: 1,
            subnetConfiguration: [
              functions,
              { name: 'gateway', subnetType: SubnetType.PUBLIC, mapPublicIpOnLaunch: false },
            ],
          }
    const vpc = new Vpc(this, `Vpc${fingerprintOf([egress, stack.resolve(availabilityZones)])}`, {
      ...way,
      availabilityZones,
      // It takes a function of its own to empty the default group, and nothing is ever in that.
      restrictDefaultSecurityGroup: false,
      // Free, and DynamoDB is where sessions may be.
      gatewayEndpoints: { Tables: { service: GatewayVpcEndpointAwsService.DYNAMODB } },
    })
    acceptFinding(
      vpc,
      'AwsSolutions-VPC7',
      'Flow logs cost by the gigabyte, and only the functions and the cache are in this VPC: who needs them adds them with vpc.addFlowLog().',
    )
    return vpc
  }

  #selectCacheSubnets(): readonly ISubnet[] {
    const { subnets } = this.vpc.selectSubnets({ ...this.vpcSubnets, onePerAz: true })
    if (subnets.length >= LEAST_ZONES) return subnets.slice(0, MOST_ZONES)
    throw new ConfigurationError(
      `redis.vpcSubnets select ${subnets.length} subnet${subnets.length === 1 ? '' : 's'} in zones of their own: a serverless cache needs ${LEAST_ZONES} at least; select more, or leave redis.vpc out for a new VPC`,
    )
  }
}

/** What tells one subnet from all others: its id, or, where only CloudFormation knows that, who has it by which name. */
function identify(subnet: ISubnet): unknown {
  const { subnetId } = subnet
  if (!Token.isUnresolved(subnetId)) return subnetId
  const stack = Stack.of(subnet)
  return [stack.node.path, stack.resolve(subnetId)]
}

function fingerprintOf(parts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 8)
}
