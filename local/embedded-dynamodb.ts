import { once } from 'node:events'
import { request } from 'node:http'
import { Worker } from 'node:worker_threads'
import { ConfigurationError } from '../shared/errors.ts'

/** A table, as CreateTable takes it. */
export interface EmbeddedTable {
  readonly TableName: string
}

/** Options of {@link startEmbeddedDynamoDB}. */
export interface EmbeddedDynamoDBOptions {
  /** 0, the default, takes a free one. */
  readonly port?: number
  /** Tables to create: inputs of CreateTable. */
  readonly tables: readonly EmbeddedTable[]
}

/** A DynamoDB of this process, in memory. */
export interface EmbeddedDynamoDB extends AsyncDisposable {
  /** `http://127.0.0.1:{port}`; any region and credentials will do. */
  readonly endpoint: string
  /** The next `count` calls are answered with `ProvisionedThroughputExceededException`, and do nothing. */
  readonly throttleNextCalls: (count: number) => void
  /** The next `count` calls that are not throttled are made, and their connection is reset instead of an answer. */
  readonly loseNextAnswers: (count: number) => void
  /** Ends both. */
  readonly clearFaults: () => void
  /** Stops it and forgets everything. */
  close(): Promise<void>
}

/**
 * Starts a DynamoDB that needs no installation (dynalite, on loopback, in a thread of its own so that it does
 * not hold up the caller's), with `tables` in it and ready. Nothing is kept when it closes.
 *
 * @throws {@link ConfigurationError} if it cannot start or does not take a table
 */
export async function startEmbeddedDynamoDB(options: EmbeddedDynamoDBOptions): Promise<EmbeddedDynamoDB> {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  const workerUrl = new URL(`./embedded-dynamodb-worker.${extension}`, import.meta.url)
  const faults = new DatabaseFaults()
  const worker = new Worker(workerUrl, { workerData: { port: options.port ?? 0, faults: faults.counts } })
  // A forgotten close must not keep a test run or a script alive.
  worker.unref()
  try {
    const endpoint = `http://127.0.0.1:${await listeningPort(worker)}`
    for (const table of options.tables) await createTable(endpoint, table)
    const close = async (): Promise<void> => {
      await worker.terminate()
    }
    return {
      endpoint,
      throttleNextCalls: (count) => faults.add(THROTTLED_CALLS, count),
      loseNextAnswers: (count) => faults.add(LOST_ANSWERS, count),
      clearFaults: () => faults.clear(),
      close,
      [Symbol.asyncDispose]: close,
    }
  } catch (error) {
    await worker.terminate()
    throw error
  }
}

/** Where the counts of {@link DatabaseFaults} are. */
export const THROTTLED_CALLS = 0
export const LOST_ANSWERS = 1

/** How many calls are still to fail. The server's thread reads the same memory, so a change holds for the next call. */
class DatabaseFaults {
  readonly counts: Int32Array = new Int32Array(new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT))

  add(index: number, count: number): void {
    Atomics.add(this.counts, index, count)
  }

  clear(): void {
    for (const index of this.counts.keys()) Atomics.store(this.counts, index, 0)
  }
}

async function listeningPort(worker: Worker): Promise<number> {
  try {
    const [message] = (await once(worker, 'message')) as [{ port: number }]
    return message.port
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new ConfigurationError(
      `the embedded DynamoDB did not start: ${reason}. It needs the package dynalite (npm install -D dynalite) and a free port`,
      { cause: error },
    )
  }
}

async function createTable(endpoint: string, table: EmbeddedTable): Promise<void> {
  await call(endpoint, 'CreateTable', table)
  // A new table is CREATING until the next turn of the server's event loop, and refuses writes until then.
  for (;;) {
    const answer = (await call(endpoint, 'DescribeTable', { TableName: table.TableName })) as {
      readonly Table?: { readonly TableStatus?: string }
    }
    if (answer.Table?.TableStatus === 'ACTIVE') return
  }
}

async function call(endpoint: string, operation: string, input: object): Promise<unknown> {
  const sent = request(endpoint, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-amz-json-1.0',
      'x-amz-target': `DynamoDB_20120810.${operation}`,
      'x-amz-date': '20260101T000000Z',
      authorization: 'AWS4-HMAC-SHA256 Credential=local, SignedHeaders=host, Signature=none',
    },
  })
  sent.end(JSON.stringify(input))
  const [response] = await once(sent, 'response')
  const text = await new Response(response).text()
  if (response.statusCode === 200) return JSON.parse(text)
  throw new ConfigurationError(
    `the embedded DynamoDB answered ${response.statusCode} to ${operation}: ${text}`,
  )
}
