import { Token } from 'aws-cdk-lib'
import { ConfigurationError } from '../shared/errors.ts'
import { requireChoice } from './choices.ts'
import type { RedisNetworkProps } from './redis-network.ts'

/** A serverless cache is in two or three zones. */
export const LEAST_ZONES = 2
export const MOST_ZONES = 3

/** Partitions in which SQS has no name below `api.aws`. */
const ELSEWHERE = /^(cn|us-iso[a-z]*|eu-iso[a-z]*|eusc)-/

/**
 * @param region - of the stack; a token where that is not known
 * @throws {@link ConfigurationError} for what no network can be made of
 */
export function requireNetwork(props: RedisNetworkProps, region: string): void {
  const { vpc, vpcSubnets, availabilityZones, egress } = props
  if (vpcSubnets && !vpc) {
    throw new ConfigurationError(
      'redis.vpcSubnets are given without redis.vpc: give the VPC that they are in',
    )
  }
  requireEgress(egress, region)
  if (availabilityZones === undefined) return
  if (vpc) {
    throw new ConfigurationError(
      'redis.vpc and redis.availabilityZones are given, and the zones are those of a new VPC: choose among the subnets of yours with redis.vpcSubnets, or leave redis.vpc out',
    )
  }
  requireZones(availabilityZones, region)
}

function requireEgress(egress: RedisNetworkProps['egress'], region: string): void {
  requireChoice('redis.egress', egress, ['ipv6', 'nat'])
  if (egress === 'nat' || Token.isUnresolved(region) || !ELSEWHERE.test(region)) return
  throw new ConfigurationError(
    `redis.egress is "ipv6", and the stack is in ${region}, where SQS has no name https://sqs.${region}.api.aws with an IPv6 address: set redis.egress to nat`,
  )
}

function requireZones(zones: readonly string[], region: string): void {
  const isKnown = !Token.isUnresolved(region)
  const name = isKnown ? new RegExp(`^${region}[a-z]$`) : /^[a-z]+(-[a-z]+)+-\d+[a-z]$/
  const isZone = (zone: unknown): boolean =>
    typeof zone === 'string' && (Token.isUnresolved(zone) || name.test(zone))
  const fits = Array.isArray(zones) && new Set(zones).size === zones.length && zones.every(isZone)
  if (fits && zones.length >= LEAST_ZONES && zones.length <= MOST_ZONES) return
  const example = `${isKnown ? region : 'us-east-1'}a`
  throw new ConfigurationError(
    `redis.availabilityZones is ${JSON.stringify(zones)}: give a list of the names of ${LEAST_ZONES} or ${MOST_ZONES} zones${isKnown ? ` of ${region}` : ''}, such as "${example}"; an id such as "use1-az1" is no name`,
  )
}
