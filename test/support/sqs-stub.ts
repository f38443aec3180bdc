import { createHash } from 'node:crypto'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

/** One entry of a SendMessageBatch. */
export interface SentEntry {
  readonly Id: string
  readonly MessageBody: string
  readonly DelaySeconds?: number
}

/** A SendMessageBatch of SQS on loopback, which fails where a test says so. */
export interface SQSStub extends AsyncDisposable {
  readonly url: string
  readonly queueUrl: string
  /** The batches that arrived, refused ones included. */
  readonly batches: SentEntry[][]
  /** Entries that the queue has taken, in order. */
  readonly taken: SentEntry[]
  /** Whether to refuse this entry of the batch at hand. */
  refuse: (entry: SentEntry, batch: number) => boolean
  /** Whether to answer the batch at hand with 400. */
  failBatch: (entries: readonly SentEntry[]) => boolean
  /** Awaited before a batch is answered. */
  beforeAnswer: () => Promise<void>
}

export async function startSQSStub(): Promise<SQSStub> {
  const server = createServer((request, response) => {
    void text(request).then((body) =>
      answer(stub, response, (JSON.parse(body) as { Entries: SentEntry[] }).Entries),
    )
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const stub: SQSStub = {
    url,
    queueUrl: `${url}/000000000000/delivery`,
    batches: [],
    taken: [],
    refuse: () => false,
    failBatch: () => false,
    beforeAnswer: async () => {},
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  return stub
}

async function answer(stub: SQSStub, response: ServerResponse, entries: SentEntry[]): Promise<void> {
  const batch = stub.batches.push(entries) - 1
  await stub.beforeAnswer()
  if (stub.failBatch(entries)) {
    response.writeHead(400, { 'content-type': 'application/x-amz-json-1.0' })
    response.end(JSON.stringify({ __type: 'com.amazonaws.sqs#QueueDoesNotExist', message: 'no such queue' }))
    return
  }
  const refused = entries.filter((entry) => stub.refuse(entry, batch))
  const taken = entries.filter((entry) => !refused.includes(entry))
  stub.taken.push(...taken)
  response.writeHead(200, { 'content-type': 'application/x-amz-json-1.0' })
  response.end(
    JSON.stringify({
      Successful: taken.map(({ Id, MessageBody }) => ({
        Id,
        MessageId: Id,
        MD5OfMessageBody: md5(MessageBody),
      })),
      Failed: refused.map(({ Id }) => ({
        Id,
        SenderFault: false,
        Code: 'InternalError',
        Message: 'try again',
      })),
    }),
  )
}

function md5(body: string): string {
  return createHash('md5').update(body).digest('hex')
}
