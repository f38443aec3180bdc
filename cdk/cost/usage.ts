import type { PRICES } from './prices.ts'
import type { Workload } from './workload.ts'

/** Days of a month. */
export const DAYS = 30

/** How a fan-out divides a group, as decision 0016 says it; a test compares them with the code. */
export const FAN_OUT = {
  pageMembers: 1_000,
  inlineMembers: 2_000,
  rangeMembers: 500,
  maxRanges: 64,
  membersAtOnce: 256,
  recordsInBatch: 100,
} as const

/** Bytes that API Gateway bills as one message. */
const MESSAGE_UNIT_BYTES = 32 * 1024

/** Bytes that SQS bills as one request. */
const QUEUE_CHUNK_BYTES = 64 * 1024

/** Bytes of a range beside the message: names, keys, what SQS and the envelope add. */
const RANGE_BYTES = 500

/** Memberships in one read unit, and bytes of one, at their largest: docs/reference/request-units.md. */
const MEMBERS_PER_READ_UNIT = 40
const MEMBERSHIP_BYTES = 102

/** Bytes of a connection's record: docs/reference/request-units.md, and with its membership in Redis docs/topics/redis.md. */
const RECORD_BYTES = 878
const REDIS_RECORD_BYTES = 1_434

/**
 * CPU in milliseconds for one post on a whole core: `npm run bench -- fanout`, 10 000 members, on one machine (docs/reference/
 * performance.md). Not measured on Lambda.
 */
const POST_CPU_MS = { member: 0.123, broadcast: 0.06 } as const

/** CPU in milliseconds for an invocation without posts, on a whole core. Assumed. */
const INVOCATION_CPU_MS = 1

/** Memory in MB at which Lambda gives a whole core. */
const WHOLE_CORE_MB = 1_769

/** Empty receives of one queue in a minute: Lambda keeps five long polls of 20 seconds. */
const IDLE_RECEIVES_PER_MINUTE = 15

/** Bytes of an `@connections` call and of its answer beside the message, session token and signature included. Assumed. */
const HTTP_BYTES = 2_000

/** What ElastiCache Serverless bills at least, in GB. */
const LEAST_CACHE_GB = 0.1

/** What exists whether somebody is connected or not. Alarms are billed by the metrics that they look at. */
const FIXED_MONITORING = { alarms: 22, dashboards: 1 } as const

/** Metrics of the library that an ordinary application counts, about. CloudWatch bills those that occur. */
const METRICS = 20

/** A month's quantities, by the names of their prices. */
export type Usage = Readonly<Record<keyof typeof PRICES, number>>

/** How one message gets to the members of a group. */
export interface FanOut {
  /** Ranges that travel through the delivery queue, and are served by the delivery function. */
  readonly ranges: number
  /** Members that the sender serves itself, and that one range has. */
  readonly inline: number
  readonly perRange: number
  /** `SendMessageBatch` calls, of up to ten ranges each. */
  readonly batches: number
}

/** How a group of `members` is divided. */
export function fanOutOf(members: number): FanOut {
  if (members <= FAN_OUT.inlineMembers) return { ranges: 0, inline: members, perRange: 0, batches: 0 }
  const behind = members - FAN_OUT.pageMembers
  const cut = Math.min(FAN_OUT.maxRanges, Math.ceil(behind / FAN_OUT.rangeMembers))
  const below = fanOutOf(behind / cut)
  const ranges = cut * (1 + below.ranges)
  return {
    ranges,
    inline: FAN_OUT.pageMembers,
    perRange: behind / ranges,
    batches: Math.ceil(cut / 10) + cut * below.batches,
  }
}

/** What a month of `workload` uses. Free tiers are not taken off. */
export function usageOf(workload: Workload): Usage {
  return {
    ...gatewayUsage(workload),
    ...lambdaUsage(workload),
    ...dynamodbUsage(workload),
    ...queueUsage(workload),
    ...redisUsage(workload),
    ...transferUsage(workload),
    ...monitoringUsage(workload),
  }
}

/** `@connections` calls in a second: what the account's limit of 10 000 requests is compared with. */
export function postsPerSecond({ messagesPerSecond, groupSize }: Workload): number {
  return messagesPerSecond * groupSize
}

type UsageOf<K extends keyof Usage> = Pick<Usage, K>

function gatewayUsage(workload: Workload): UsageOf<'messages' | 'connectionMinutes'> {
  const { connections, messageBytes, heartbeatSeconds, hoursPerDay } = workload
  const { sent, delivered } = messagesOf(workload)
  const beats = heartbeatSeconds === 0 ? 0 : (connections * secondsOf(workload)) / heartbeatSeconds
  return {
    // A heartbeat and its answer.
    messages: (sent + delivered) * Math.ceil(messageBytes / MESSAGE_UNIT_BYTES) + 2 * beats,
    connectionMinutes: connections * hoursPerDay * 60 * DAYS,
  }
}

function lambdaUsage(workload: Workload): UsageOf<'invocations' | 'gbSeconds'> {
  const { memory, deliveryMemory, groupSize, storeMs } = workload
  const { sent } = messagesOf(workload)
  const { ranges, inline, perRange } = fanOutOf(groupSize)
  const connects = connectsOf(workload)
  const handshake = storeMs + cpuMs(INVOCATION_CPU_MS, memory)
  const message = storeMs + serveMs(workload, inline, memory)
  const range = serveMs(workload, perRange, deliveryMemory)
  return {
    invocations: 2 * connects + sent * (1 + ranges),
    gbSeconds:
      (memory / 1024) * seconds(2 * connects * handshake + sent * message) +
      (deliveryMemory / 1024) * seconds(sent * ranges * range),
  }
}

/** How long one invocation takes to serve so many members, in milliseconds. */
function serveMs(workload: Workload, members: number, memory: number): number {
  const { handler, postMs, storeMs } = workload
  const pages = Math.max(1, Math.ceil(members / FAN_OUT.pageMembers))
  const records = handler === 'member' ? Math.ceil(members / FAN_OUT.recordsInBatch) : 0
  const posts = Math.ceil(members / FAN_OUT.membersAtOnce) * postMs
  const cpu = cpuMs(INVOCATION_CPU_MS + members * POST_CPU_MS[handler], memory)
  return (pages + records) * storeMs + Math.max(posts, cpu)
}

function dynamodbUsage(workload: Workload): UsageOf<'writeUnits' | 'readUnits' | 'storage'> {
  if (workload.layer === 'redis') return { writeUnits: 0, readUnits: 0, storage: 0 }
  const { connections, groupSize, handler } = workload
  const { ranges, inline, perRange } = fanOutOf(groupSize)
  const pages = readUnitsFor(inline) + ranges * readUnitsFor(perRange)
  const records = handler === 'member' ? groupSize : 0
  return {
    // Connecting with one group, and disconnecting from it.
    writeUnits: connectsOf(workload) * 4,
    // The sender's own record, the members, and theirs.
    readUnits: messagesOf(workload).sent * (1 + pages + records),
    storage: connections * (RECORD_BYTES + MEMBERSHIP_BYTES),
  }
}

function readUnitsFor(members: number): number {
  return Math.max(1, Math.ceil(members / MEMBERS_PER_READ_UNIT))
}

function queueUsage(workload: Workload): UsageOf<'standardRequests' | 'fifoRequests'> {
  const { messageBytes, groupSize, ordering } = workload
  const { sent } = messagesOf(workload)
  const { ranges, batches } = fanOutOf(groupSize)
  const bytes = messageBytes + RANGE_BYTES
  const idle = IDLE_RECEIVES_PER_MINUTE * 60 * 24 * DAYS
  // A range: its part of a batch, one receive and one delete.
  const sends = Math.max(batches, (ranges * bytes) / QUEUE_CHUNK_BYTES)
  const message = Math.ceil(bytes / QUEUE_CHUNK_BYTES)
  return {
    standardRequests: idle + sent * (sends + ranges * (message + 1)),
    fifoRequests: ordering === 'serial' ? idle + sent * (2 * message + 1) : 0,
  }
}

function redisUsage(workload: Workload): UsageOf<'cacheHours' | 'cacheUnits' | 'natHours' | 'natBytes'> {
  if (workload.layer === 'dynamodb') return { cacheHours: 0, cacheUnits: 0, natHours: 0, natBytes: 0 }
  const { connections, groupSize, handler, egress, messageBytes } = workload
  const { sent, delivered } = messagesOf(workload)
  const { ranges } = fanOutOf(groupSize)
  const hours = 24 * DAYS
  const recordUnits = Math.ceil(REDIS_RECORD_BYTES / 1024)
  const pages = 1 + ranges + (groupSize * MEMBERSHIP_BYTES) / 1024
  const records = handler === 'member' ? groupSize * recordUnits : 0
  const isNat = egress === 'nat'
  return {
    cacheHours: hours * Math.max(LEAST_CACHE_GB, (connections * REDIS_RECORD_BYTES) / 1024 ** 3),
    // Two commands to connect and three to disconnect, with the record once each; then as in DynamoDB.
    cacheUnits: connectsOf(workload) * (5 + 2 * recordUnits) + sent * (recordUnits + pages + records),
    natHours: isNat ? hours : 0,
    natBytes: isNat ? delivered * (messageBytes + HTTP_BYTES) : 0,
  }
}

function transferUsage(
  workload: Workload,
): UsageOf<'bytesOut' | 'edgeRequests' | 'edgeFunctions' | 'edgeBytesOut' | 'edgeBytesToOrigin'> {
  const { front, messageBytes } = workload
  const { sent, delivered } = messagesOf(workload)
  const out = delivered * messageBytes
  const handshakes = front ? connectsOf(workload) : 0
  return {
    // What goes to CloudFront costs nothing: CloudFront bills it.
    bytesOut: front ? 0 : out,
    edgeRequests: handshakes,
    edgeFunctions: handshakes,
    edgeBytesOut: front ? out : 0,
    edgeBytesToOrigin: front ? sent * messageBytes : 0,
  }
}

function monitoringUsage(workload: Workload): UsageOf<'logBytes' | 'metrics' | 'alarms' | 'dashboards'> {
  const { invocations } = lambdaUsage(workload)
  return {
    logBytes: invocations * workload.logBytes,
    metrics: invocations > 0 ? METRICS : 0,
    ...FIXED_MONITORING,
  }
}

/** Messages in a month: those that clients send, and their copies. */
export function messagesOf(workload: Workload): { readonly sent: number; readonly delivered: number } {
  const sent = workload.messagesPerSecond * secondsOf(workload)
  return { sent, delivered: sent * workload.groupSize }
}

/** Handshakes in a month: each place is taken again when a connection ends. */
export function connectsOf({ connections, hoursPerDay, sessionMinutes }: Workload): number {
  return (connections * hoursPerDay * 60 * DAYS) / sessionMinutes
}

function secondsOf({ hoursPerDay }: Workload): number {
  return hoursPerDay * 3_600 * DAYS
}

function cpuMs(onWholeCore: number, memory: number): number {
  // Fewer MB have a part of a core; more have several, of which JavaScript uses one.
  return onWholeCore * Math.max(1, WHOLE_CORE_MB / memory)
}

function seconds(milliseconds: number): number {
  return milliseconds / 1_000
}
