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
