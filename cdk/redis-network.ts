import {
  GatewayVpcEndpointAwsService,
  IpProtocol,
  type ISecurityGroup,
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
   * The subnets of `vpc` for functions and cache, in two zones at least.
   *
   * @default - those with a NAT gateway or another way out
   */
  readonly vpcSubnets?: SubnetSelection
}

/** A serverless cache is in two or three zones. */
const LEAST_SUBNETS = 2
const MOST_SUBNETS = 3

/** 6379 leads to the primary of a serverless cache, 6380 to replicas, which it names to every client too. */
const CACHE_PORTS = Port.tcpRange(6379, 6380)

/** Where functions and a cache meet: nobody but the functions reaches the cache. */
export class RedisNetwork extends Construct implements FunctionNetwork {
  readonly vpc: IVpc
  readonly vpcSubnets: SubnetSelection
  /** Of the functions. */
  readonly securityGroup: ISecurityGroup
  readonly isDualStack: boolean
  /** Of the cache. */
  readonly cacheSecurityGroup: ISecurityGroup
  readonly cacheSubnetIds: readonly string[]

  /** @throws {@link ConfigurationError} if subnets are given without their VPC, or lie in one zone only */
  constructor(scope: Construct, id: string, props: RedisNetworkProps = {}) {
    super(scope, id)
    const { vpc, vpcSubnets = { subnetType: SubnetType.PRIVATE_WITH_EGRESS } } = props
    if (props.vpcSubnets && !vpc) {
      throw new ConfigurationError(
        'redis.vpcSubnets are given without redis.vpc: give the VPC that they are in',
      )
    }
    const { egress = vpc ? 'nat' : 'ipv6' } = props
    this.isDualStack = egress === 'ipv6'
    // The types of CDK do not know exactOptionalPropertyTypes.
    this.vpc = vpc ?? (this.#createVpc(egress) as IVpc)
    this.vpcSubnets = vpcSubnets
    this.cacheSubnetIds = this.#selectCacheSubnets()
    this.securityGroup = new SecurityGroup(this, 'Functions', {
      vpc: this.vpc,
      description: 'Functions of Channels: they may call anything, nobody calls them',
      allowAllIpv6Outbound: true,
    })
    this.cacheSecurityGroup = new SecurityGroup(this, 'Cache', {
      vpc: this.vpc,
      description: 'Cache of Channels: only the functions may call it',
      allowAllOutbound: false,
    })
    this.cacheSecurityGroup.addIngressRule(this.securityGroup, CACHE_PORTS, 'Functions of Channels')
  }

  #createVpc(egress: RedisEgress): Vpc {
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
    const vpc = new Vpc(this, 'Vpc', {
      ...way,
      maxAzs: 2,
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

  #selectCacheSubnets(): readonly string[] {
    const { subnetIds } = this.vpc.selectSubnets({ ...this.vpcSubnets, onePerAz: true })
    if (subnetIds.length >= LEAST_SUBNETS) return subnetIds.slice(0, MOST_SUBNETS)
    throw new ConfigurationError(
      `redis.vpcSubnets select ${subnetIds.length} subnet${subnetIds.length === 1 ? '' : 's'} in zones of their own: a serverless cache needs ${LEAST_SUBNETS} at least; select more, or leave redis.vpc out for a new VPC`,
    )
  }
}
