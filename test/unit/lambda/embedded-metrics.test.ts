import { expect, test } from 'vitest'
import { EmbeddedMetrics } from '../../../shared/lambda/embedded-metrics.ts'
import { FakeLogger } from '../../support/fake-connection.ts'
import { WatchedStream } from '../../support/watched-stream.ts'

interface Written {
  readonly lines: readonly Record<string, unknown>[]
  readonly logger: FakeLogger
}

function written(act: (metrics: EmbeddedMetrics) => void, isColdStart = false): Written {
  using stdout = new WatchedStream()
  const logger = new FakeLogger()
  act(new EmbeddedMetrics({ service: 'chat', logger, isColdStart }))
  return { lines: stdout.objects, logger }
}

/** What CloudWatch makes of these lines: all values by metric. */
function valuesIn(lines: readonly Record<string, unknown>[], name: string): readonly number[] {
  return lines.flatMap((line) => (line[name] ?? []) as number | number[])
}

test('an invocation is one line in the embedded format, with its counts summed up', () => {
  const { lines } = written((metrics) => {
    metrics.count('delivered', 2)
    metrics.count('delivered', 3)
    metrics.count('gone', 1)
    metrics.record('fanOutLag', 12, 'Milliseconds')
    metrics.record('fanOutLag', 30, 'Milliseconds')
    metrics.flush()
  })

  expect(lines).toEqual([
    {
      _aws: {
        Timestamp: expect.any(Number),
        CloudWatchMetrics: [
          {
            Namespace: 'LambdaChannels',
            Dimensions: [['service']],
            Metrics: [
              { Name: 'fanOutLag', Unit: 'Milliseconds' },
              { Name: 'delivered', Unit: 'Count' },
              { Name: 'gone', Unit: 'Count' },
            ],
          },
        ],
      },
      service: 'chat',
      delivered: 5,
      gone: 1,
      fanOutLag: [12, 30],
    },
  ])
})

test('an invocation that counted nothing writes nothing', () => {
  const { lines, logger } = written((metrics) => {
    metrics.flush()
    metrics.count('gone', 1)
    metrics.flush()
    metrics.flush()
  })

  expect([lines.length, logger.lines]).toEqual([1, []])
})

test('a cold start is counted once, with the first invocation', () => {
  const twice = (metrics: EmbeddedMetrics): void => {
    metrics.flush()
    metrics.count('received', 1)
    metrics.flush()
  }

  expect(valuesIn(written(twice, true).lines, 'coldStart')).toEqual([1])
  expect(valuesIn(written(twice, false).lines, 'coldStart')).toEqual([])
})

test('no line has more than 100 metrics or 100 values of one: nothing is lost', () => {
  const { lines } = written((metrics) => {
    for (let n = 0; n < 250; n += 1) metrics.record('fanOutSize', n, 'Count')
    for (let n = 0; n < 250; n += 1) metrics.count(`name${n}`, 1)
    metrics.flush()
  })

  expect(valuesIn(lines, 'fanOutSize').toSorted((a, b) => a - b)).toEqual([...Array(250).keys()])
  for (let n = 0; n < 250; n += 1) expect(valuesIn(lines, `name${n}`)).toEqual([1])
  for (const line of lines) {
    const { CloudWatchMetrics } = line['_aws'] as { CloudWatchMetrics: readonly { Metrics: object[] }[] }
    expect(CloudWatchMetrics[0]?.Metrics.length).toBeLessThanOrEqual(100)
    expect(valuesIn([line], 'fanOutSize').length).toBeLessThanOrEqual(100)
  }
})

test('a name that CloudWatch does not take costs no other metric, and is logged', () => {
  const { lines, logger } = written((metrics) => {
    metrics.count('x'.repeat(256), 1)
    metrics.count('delivered', 1)
    metrics.flush()
  })

  expect(valuesIn(lines, 'delivered')).toEqual([1])
  expect(logger.lines).toMatchObject([{ level: 'error', message: 'a metric could not be written' }])
})

test.each(['service', '_aws', '__proto__', 'constructor', 'toString'])(
  'a metric of the name "%s" costs no other metric, and is logged with what to do',
  (name) => {
    const { lines, logger } = written((metrics) => {
      metrics.count('received', 1)
      metrics.count(name, 1)
      metrics.record(name, 1, 'Count')
      metrics.flush()
      metrics.count('received', 1)
      metrics.flush()
    })

    expect(valuesIn(lines, 'received')).toEqual([1, 1])
    expect(lines.map((line) => line['service'])).toEqual(['chat', 'chat'])
    const refusal = {
      level: 'error',
      message: expect.stringMatching(/^a metric was refused: .* use another/),
      details: { metric: name, value: '1' },
    }
    expect(logger.lines).toEqual([refusal, refusal])
  },
)

test.each([NaN, Infinity, -Infinity, undefined as unknown as number, '1' as unknown as number])(
  'the value %s is refused, and does not spoil the sum that it was to be added to',
  (value) => {
    const { lines, logger } = written((metrics) => {
      metrics.count('delivered', 2)
      metrics.count('delivered', value)
      metrics.record('fanOutLag', value, 'Milliseconds')
      metrics.flush()
    })

    expect(valuesIn(lines, 'delivered')).toEqual([2])
    expect(lines[0]).not.toHaveProperty('fanOutLag')
    expect(logger.lines.map(({ message, details }) => [message, details])).toEqual([
      [
        'a metric was refused: its value has to be a finite number',
        { metric: 'delivered', value: String(value) },
      ],
      [
        'a metric was refused: its value has to be a finite number',
        { metric: 'fanOutLag', value: String(value) },
      ],
    ])
  },
)

test('a sum that is no finite number any more is refused', () => {
  const { lines, logger } = written((metrics) => {
    metrics.count('huge', Number.MAX_VALUE)
    metrics.count('huge', Number.MAX_VALUE)
    metrics.count('delivered', 1)
    metrics.flush()
  })

  expect(valuesIn(lines, 'delivered')).toEqual([1])
  expect(lines[0]).not.toHaveProperty('huge')
  expect(logger.lines).toMatchObject([{ details: { metric: 'huge', value: 'Infinity' } }])
})
