import { expect, test } from 'vitest'
import { estimateCost } from '../../cdk/cost/model.ts'
import { costHelp, parseCostOptions } from '../../cdk/cost/options.ts'
import { costOf, PRICE_PAGES, PRICES } from '../../cdk/cost/prices.ts'
import { costJson, costReport } from '../../cdk/cost/report.ts'
import { FAN_OUT, fanOutOf, usageOf } from '../../cdk/cost/usage.ts'
import type { Workload } from '../../cdk/cost/workload.ts'
import { FAN_OUT_LIMITS } from '../../shared/layers/delivery.ts'
import { readText } from '../support/repository.ts'

const page = await readText('docs/reference/cost.md')

const workloadOf = (args: string): Workload => parseCostOptions(args.split(' ').filter(Boolean)).workload

const million = 1_000_000
const [seconds, days] = [86_400 * 30, 30]

test('the example of the page is what the command prints', () => {
  const [, command = ''] = page.match(/^npm run cost -- (.*)$/m) ?? []
  const [, output = ''] = page.match(/```text cost\n([^]*?)```/) ?? []
  const workload = workloadOf(command)

  expect(workload).toMatchObject({ connections: 10_000, messagesPerSecond: 5, groupSize: 50 })
  expect(costReport(workload, estimateCost(workload))).toBe(output)
})

test('the page names every option with its default', () => {
  const flags = [...costHelp().matchAll(/^ {2}(--[a-z-]+)/gm)].map((match) => match[1] ?? '')

  expect(flags.length).toBeGreaterThan(15)
  expect(flags.filter((flag) => !page.includes(`\`${flag}\``))).toEqual([])
})

test('one message a second to a group of ten thousand is 864 million messages a day', () => {
  const workload = workloadOf('--connections 10000 --messages-per-second 1 --group-size 10000')
  const { messages } = usageOf(workload)
  const line = estimateCost(workload).lines.find(({ item }) => item === PRICES.messages.item)

  expect(messages / days).toBe(864 * million + 86_400)
  // The volume price makes it less than $864 a day.
  expect((line?.cost ?? 0) / days).toBeGreaterThan(690)
  expect((line?.cost ?? 0) / days).toBeLessThan(864)
})

test('a message is billed for its sender and for each member, and again for every 32 KB', () => {
  const small = usageOf(workloadOf('--messages-per-second 2 --group-size 10 --message-bytes 32768'))
  const large = usageOf(workloadOf('--messages-per-second 2 --group-size 10 --message-bytes 32769'))

  expect(small.messages).toBe(2 * seconds * 11)
  expect(large.messages).toBe(2 * small.messages)
})

test('a heartbeat is a message in and a message out, and runs no function', () => {
  const quiet = usageOf(workloadOf('--connections 100 --messages-per-second 0'))
  const beating = usageOf(workloadOf('--connections 100 --messages-per-second 0 --heartbeat-seconds 300'))

  expect(quiet.messages).toBe(0)
  expect(beating.messages).toBe((2 * 100 * seconds) / 300)
  expect(beating.invocations).toBe(quiet.invocations)
})

test('connections cost although nobody says a word', () => {
  const { lines, dominant } = estimateCost(workloadOf('--connections 10000 --messages-per-second 0'))

  expect(dominant.item).toBe('connection minutes')
  expect(dominant.cost).toBeCloseTo(108)
  expect(lines.map(({ item }) => item)).not.toContain('messages, in and out')
})

test('where nobody is connected only what is there costs, and monitoring most', () => {
  const { lines, dominant, advice, total } = estimateCost(workloadOf('--connections 0'))

  expect(lines.map(({ item }) => item)).toEqual([
    PRICES.standardRequests.item,
    PRICES.alarms.item,
    PRICES.dashboards.item,
  ])
  expect(dominant.item).toBe(PRICES.dashboards.item)
  expect(advice).toBe('The prop monitoring: false makes no dashboard and no alarms.')
  expect(total).toBeLessThan(6)
})

test('with fewer connections than a group has by default, all of them are in it', () => {
  expect(workloadOf('--connections 3')).toMatchObject({ groupSize: 3, messagesPerSecond: 1 })
})

test.each([
  [
    '--connections 1 --messages-per-second 0',
    'CloudWatch, metrics. They are the library’s own. The environment variable POWERTOOLS_METRICS_DISABLED=true makes none.',
  ],
  ['--connections 0 --layer redis --egress nat', 'VPC, NAT gateway.'],
])('%s: the estimate says of what dominates no more than it knows', (args, sentence) => {
  const workload = workloadOf(args)

  expect(costReport(workload, estimateCost(workload))).toContain(` is ${sentence}\n`)
})

test('load for a part of the day costs that part of messages and connections', () => {
  const all = usageOf(workloadOf('--hours-per-day 24'))
  const half = usageOf(workloadOf('--hours-per-day 12'))

  for (const name of ['messages', 'connectionMinutes', 'invocations', 'writeUnits', 'bytesOut'] as const) {
    expect(half[name] / all[name]).toBeCloseTo(0.5)
  }
})

test('a connection costs what the page about request units says', () => {
  const usage = usageOf(workloadOf('--connections 100 --messages-per-second 0 --session-minutes 60'))

  // 2 to connect with one group, 1 + 1 to disconnect.
  expect(usage.writeUnits).toBe(4 * 100 * 24 * days)
  expect(usage.readUnits).toBe(0)
  expect(usage.invocations).toBe(2 * 100 * 24 * days)
})

test.each([
  ['broadcast', 50, 1 + 2],
  ['member', 50, 1 + 2 + 50],
  ['broadcast', 1_000, 1 + 25],
])('%s to %i members takes %i read units', (handler, members, units) => {
  const args = `--connections 1000 --messages-per-second 1 --handler ${handler} --group-size ${members}`

  expect(usageOf(workloadOf(args)).readUnits).toBe(units * seconds)
})

test('a group is divided as the code divides it', () => {
  const { inlineMembers, rangeMembers, maxRanges } = FAN_OUT_LIMITS

  expect(FAN_OUT).toMatchObject({ inlineMembers, rangeMembers, maxRanges })
})

// As `npm run bench -- fanout` found, docs/reference/performance.md; of a million, 1 954 with estimates of a walk.
test.each([
  [1_000, 0],
  [2_000, 0],
  [10_000, 18],
  [100_000, 64],
  [1_000_000, 64 * 31],
])('%i members are %i ranges', (members, ranges) => {
  expect(fanOutOf(members).ranges).toBe(ranges)
})

test('every member of a group that is cut has a place', () => {
  for (const members of [2_001, 10_000, 99_999]) {
    const { ranges, inline, perRange } = fanOutOf(members)

    expect(inline + ranges * perRange).toBeCloseTo(members)
  }
})

test('a large group goes through the queue and the delivery function', () => {
  const small = usageOf(workloadOf('--connections 10000 --group-size 2000'))
  const large = usageOf(workloadOf('--connections 10000 --group-size 10000'))

  expect(large.invocations - small.invocations).toBe(18 * seconds)
  expect(large.standardRequests - small.standardRequests).toBe((2 + 18 * 2) * seconds)
})

test('an empty queue is asked all the time', () => {
  expect(usageOf(workloadOf('')).standardRequests).toBe(648_000)
})

test('more memory than work for it makes an invocation dearer, less makes it longer', () => {
  const gbSeconds = (memory: number): number =>
    usageOf(workloadOf(`--group-size 1000 --handler broadcast --memory ${memory}`)).gbSeconds

  expect(gbSeconds(1_769)).toBeGreaterThan(gbSeconds(1_024))
  expect(gbSeconds(3_538)).toBeCloseTo(2 * gbSeconds(1_769))
  expect(gbSeconds(128)).toBeGreaterThan((gbSeconds(256) * 128) / 256)
})

test('Redis replaces the table, and a NAT gateway costs by the hour and the byte', () => {
  const ipv6 = usageOf(workloadOf('--layer redis'))
  const nat = usageOf(workloadOf('--layer redis --egress nat'))

  expect(ipv6).toMatchObject({ writeUnits: 0, readUnits: 0, storage: 0, natHours: 0, natBytes: 0 })
  expect(ipv6.cacheHours).toBeCloseTo(72)
  expect(nat).toMatchObject({ natHours: 720 })
  expect(nat.natBytes).toBeGreaterThan(ipv6.bytesOut)
})

test('serial order costs three requests of the FIFO queue for each message', () => {
  const [none, some] = ['--ordering serial --messages-per-second 0', '--ordering serial'].map(workloadOf)

  expect(usageOf(workloadOf('')).fifoRequests).toBe(0)
  expect(usageOf(some as Workload).fifoRequests - usageOf(none as Workload).fifoRequests).toBe(3 * seconds)
})

test('CloudFront bills the data instead of AWS, and each handshake', () => {
  const without = usageOf(workloadOf(''))
  const front = usageOf(workloadOf('--front'))

  expect(without).toMatchObject({ edgeRequests: 0, edgeBytesOut: 0 })
  expect(front).toMatchObject({ bytesOut: 0, edgeBytesOut: without.bytesOut })
  expect(front.edgeRequests).toBe((1_000 * 24 * 60 * days) / 30)
})

test('each tier is billed at its own price', () => {
  expect(costOf(PRICES.messages, 1_000 * million)).toBeCloseTo(1_000)
  expect(costOf(PRICES.messages, 1_500 * million)).toBeCloseTo(1_000 + 400)
  expect(costOf(PRICES.bytesOut, 1024 ** 3)).toBeCloseTo(0.09)
})

test.each(Object.values(PRICES))(
  '$service, $item: has a page, and falls from tier to tier',
  ({ service, tiers }) => {
    const prices = tiers.map(({ price }) => price)

    expect(PRICE_PAGES[service]).toMatch(/^https:\/\/aws\.amazon\.com\//)
    expect(prices).toEqual(prices.toSorted((a, b) => b - a))
    expect(tiers.at(-1)?.upTo).toBe(Infinity)
  },
)

test('the total is the sum, and the dominant line the largest', () => {
  const { lines, total, dominant } = estimateCost(
    workloadOf('--layer redis --egress nat --front --ordering serial'),
  )

  expect(total).toBeCloseTo(lines.reduce((sum, { cost }) => sum + cost, 0))
  expect(dominant.cost).toBe(Math.max(...lines.map(({ cost }) => cost)))
})

test('more posts than an account may make are a warning', () => {
  const at = workloadOf('--connections 10000 --group-size 10000')
  const over = workloadOf('--connections 10000 --group-size 10000 --messages-per-second 2')

  expect(estimateCost(at).warnings).toEqual([])
  expect(estimateCost(over).warnings.join()).toContain('20,000 posts in a second')
})

test('AppSync Events is cheaper for few copies, and dearer for very many', () => {
  const few = estimateCost(workloadOf('--connections 10000 --group-size 50 --messages-per-second 5'))
  const many = estimateCost(workloadOf('--connections 10000 --group-size 10000 --handler broadcast'))

  expect(few.appSyncEvents).toBeLessThan(few.total)
  expect(many.appSyncEvents).toBeGreaterThan(many.total)
})

test('JSON has what the table has', () => {
  const workload = workloadOf('--json')
  const estimate = estimateCost(workload)

  expect(parseCostOptions(['--json']).isJson).toBe(true)
  expect(JSON.parse(costJson(workload, estimate))).toMatchObject({
    region: 'us-east-1',
    workload,
    total: estimate.total,
    lines: estimate.lines,
  })
})

test.each([
  ['--connections -5', '--connections is "-5": use a whole number from 0 to 100000000'],
  ['--connections 1.5', '--connections is "1.5": use a whole number'],
  ['--connections 10k', '--connections is "10k": use a whole number'],
  ['--messages-per-second -.5', '--messages-per-second is "-.5": use a number from 0'],
  ['--messages-per-second=-1', '--messages-per-second is "-1": use a number from 0'],
  ['--session-minutes 121', '--session-minutes is "121": use a number from 0.1 to 120'],
  ['--message-bytes 131073', '--message-bytes is "131073": use a whole number from 1 to 131072'],
  ['--hours-per-day 25', '--hours-per-day is "25": use a number from 0.1 to 24'],
  ['--layer memory', '--layer is "memory": use dynamodb or redis'],
  ['--group-size 2000', '--group-size is 2000 and --connections 1000: a group cannot have more members'],
  ['--egress nat', '--egress is "nat" and --layer "dynamodb": only Redis needs a network'],
  ['--conections 5', "Unknown option '--conections': give each value after the name of its option"],
  [
    '10000',
    "Unexpected argument '10000': give each value after the name of its option, as in --connections 10000",
  ],
  ['--connections --front', "Option '--connections' argument is ambiguous: give each value after the name"],
  ['--front=yes', "Option '--front' does not take an argument: give each value after the name"],
  ['--connections 0 --messages-per-second 1', '--group-size is 1 and --connections 0: a group cannot have'],
])('%s is refused with what to do', (args, message) => {
  expect(() => parseCostOptions(args.split(' '))).toThrow(message)
})

test('help is given whatever else was said', () => {
  expect(parseCostOptions(['--help', '--group-size', '5000']).isHelp).toBe(true)
})
