/** What so much of a month's quantity costs: `upTo` units at `price` each, the next tier what is above it. */
export interface PriceTier {
  readonly upTo: number
  /** US dollars for one unit. */
  readonly price: number
}

/** One price of AWS's lists. */
export interface ListPrice {
  readonly service: string
  readonly item: string
  /** How the quantity and the price are shown: `million`, `GB`. */
  readonly unit: string
  /** How many of what is counted are one unit: 1 000 000 for a price per million. */
  readonly per: number
  readonly tiers: readonly PriceTier[]
}

/** When the prices were gathered. They were not read from an account: compare them with the pages before you rely on them. */
export const PRICES_AS_OF = '2026-11-22'

/** Where AWS publishes the prices of each service. */
export const PRICE_PAGES: Readonly<Record<string, string>> = {
  'API Gateway': 'https://aws.amazon.com/api-gateway/pricing/',
  Lambda: 'https://aws.amazon.com/lambda/pricing/',
  DynamoDB: 'https://aws.amazon.com/dynamodb/pricing/on-demand/',
  SQS: 'https://aws.amazon.com/sqs/pricing/',
  ElastiCache: 'https://aws.amazon.com/elasticache/pricing/',
  VPC: 'https://aws.amazon.com/vpc/pricing/',
  CloudFront: 'https://aws.amazon.com/cloudfront/pricing/',
  CloudWatch: 'https://aws.amazon.com/cloudwatch/pricing/',
  'Data transfer': 'https://aws.amazon.com/ec2/pricing/on-demand/#Data_Transfer',
  AppSync: 'https://aws.amazon.com/appsync/pricing/',
}

const MILLION = 1_000_000
const GB = 1024 ** 3
const TB = 1024

/** On-demand list prices of us-east-1, without free tiers, savings plans and taxes. */
export const PRICES = {
  messages: listed(
    ['API Gateway', 'messages, in and out', 'million'],
    [
      { upTo: 1_000, price: 1 },
      { upTo: Infinity, price: 0.8 },
    ],
  ),
  connectionMinutes: listed(['API Gateway', 'connection minutes', 'million'], 0.25),
  invocations: listed(['Lambda', 'invocations', 'million'], 0.2),
  // Of arm64: $0.0000133334 for a second with 1 GB.
  gbSeconds: listed(
    ['Lambda', 'GB-seconds, arm64', 'million'],
    [
      { upTo: 7_500, price: 13.3334 },
      { upTo: 18_750, price: 12.0001 },
      { upTo: Infinity, price: 10.6667 },
    ],
  ),
  writeUnits: listed(['DynamoDB', 'write request units', 'million'], 0.625),
  readUnits: listed(['DynamoDB', 'read request units', 'million'], 0.125),
  // $0.25 for the table and $0.20 for point-in-time recovery.
  storage: listed(['DynamoDB', 'storage and its backup', 'GB'], 0.45),
  standardRequests: listed(['SQS', 'requests of standard queues', 'million'], 0.4),
  fifoRequests: listed(['SQS', 'requests of the FIFO queue', 'million'], 0.5),
  cacheHours: listed(['ElastiCache', 'GB-hours, Valkey', 'GB-hour'], 0.084, 1),
  cacheUnits: listed(['ElastiCache', 'processing units (ECPU), Valkey', 'million'], 0.0023),
  // $0.045 for the gateway and $0.005 for its public address.
  natHours: listed(['VPC', 'NAT gateway', 'hour'], 0.05, 1),
  natBytes: listed(['VPC', 'data through the NAT gateway', 'GB'], 0.045),
  edgeRequests: listed(['CloudFront', 'handshakes', 'million'], 1),
  edgeFunctions: listed(['CloudFront', 'function runs', 'million'], 0.1),
  edgeBytesOut: listed(
    ['CloudFront', 'data to clients', 'GB'],
    [
      { upTo: 10 * TB, price: 0.085 },
      { upTo: 50 * TB, price: 0.08 },
      { upTo: 150 * TB, price: 0.06 },
      { upTo: 500 * TB, price: 0.04 },
      { upTo: Infinity, price: 0.03 },
    ],
  ),
  edgeBytesToOrigin: listed(['CloudFront', 'data to the API', 'GB'], 0.02),
  bytesOut: listed(
    ['Data transfer', 'data to clients', 'GB'],
    [
      { upTo: 10 * TB, price: 0.09 },
      { upTo: 50 * TB, price: 0.085 },
      { upTo: 150 * TB, price: 0.07 },
      { upTo: Infinity, price: 0.05 },
    ],
  ),
  logBytes: listed(['CloudWatch', 'logs taken in', 'GB'], 0.5),
  metrics: listed(['CloudWatch', 'metrics', 'metric'], 0.3, 1),
  alarms: listed(['CloudWatch', 'alarms', 'metric'], 0.1, 1),
  dashboards: listed(['CloudWatch', 'dashboard', 'dashboard'], 3, 1),
} as const satisfies Readonly<Record<string, ListPrice>>

/** Of AppSync Events, to compare with: each 5 KB of an event published, and of each copy delivered, is an operation. */
export const APPSYNC_PRICES = {
  operations: listed(['AppSync', 'operations', 'million'], 1),
  connectionMinutes: listed(['AppSync', 'connection minutes', 'million'], 0.08),
} as const satisfies Readonly<Record<string, ListPrice>>

/** Bytes of an event that are one operation of AppSync Events. */
export const APPSYNC_OPERATION_BYTES = 5 * 1024

/** What `quantity` costs, tier by tier, in US dollars. */
export function costOf({ per, tiers }: ListPrice, quantity: number): number {
  let cost = 0
  let from = 0
  for (const { upTo, price } of tiers) {
    cost += Math.max(0, Math.min(quantity / per, upTo) - from) * price
    from = upTo
  }
  return cost
}

function listed(
  [service, item, unit]: readonly [string, string, string],
  price: number | readonly PriceTier[],
  per: number = unit === 'GB' ? GB : MILLION,
): ListPrice {
  const tiers = typeof price === 'number' ? [{ upTo: Infinity, price }] : price
  return { service, item, unit, per, tiers }
}
