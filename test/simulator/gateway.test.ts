import { createServer } from 'node:net'
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { inProcessFunction, type LambdaResult, startLocalGateway } from '../../local/index.ts'
import { call, handshake, TestClient } from './support/clients.ts'
import { Gate, RecordedApi } from './support/recorded-api.ts'

const answering = inProcessFunction(() => Promise.resolve({ statusCode: 200 }))

test('GW-01 a port that is in use is a sentence that says what to do', async () => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  const { port } = other.address() as { port: number }

  await expect(startLocalGateway({ port, functions: { websocket: answering } })).rejects.toThrow(
    `port ${port} on 127.0.0.1 is in use: stop the other process or choose another port with --port`,
  )
  other.close()
})

test('GW-02 functions can be made from the addresses', async () => {
  let endpoint = ''
  await using gateway = await startLocalGateway({
    stage: 'dev',
    functions: (addresses) => {
      endpoint = addresses.managementEndpoint
      return { websocket: answering }
    },
  })

  expect(endpoint).toBe(`http://127.0.0.1:${gateway.port}/dev`)
  expect(gateway.websocketUrl).toBe(`ws://127.0.0.1:${gateway.port}/dev`)
  expect((await handshake(gateway.websocketUrl)).status).toBe(101)
})

test('GW-03 idle waits for running invocations, those included that the gateway has given up on', async () => {
  const gate = new Gate()
  await using api = await RecordedApi.start(
    {
      message: async () => {
        await gate.opened
        return { statusCode: 200 }
      },
    },
    { policies: { integrationTimeoutMs: 20 } },
  )
  await using client = await TestClient.open(api.gateway.websocketUrl)
  client.send('x')
  await client.next()
  let isIdle = false
  const idle = api.gateway.idle().then(() => {
    isIdle = true
  })
  await new Promise((resolve) => setTimeout(resolve, 20))
  expect(isIdle).toBe(false)

  gate.open()

  await idle
})

test('GW-04 without a function for HTTP, a request that is for no API is refused', async () => {
  await using api = await RecordedApi.start()

  expect(await call('GET', `${api.gateway.url}/`)).toMatchObject({
    status: 403,
    body: '{"message":"Forbidden"}',
  })
})

test('GW-05 closing twice is closing once, and the port is free afterwards', async () => {
  const gateway = await startLocalGateway({ functions: { websocket: answering } })
  await Promise.all([gateway.close(), gateway.close()])

  await using again = await startLocalGateway({ port: gateway.port, functions: { websocket: answering } })

  expect(again.port).toBe(gateway.port)
})

test('GW-06 an event shares nothing with the gateway, nor a result with the function', async () => {
  const events: { requestContext: Record<string, unknown> }[] = []
  await using api = await RecordedApi.start({
    connect: (event) => {
      events.push(event)
      Object.assign(event.requestContext, { stage: 'spoilt', identity: undefined })
      return { statusCode: 200 }
    },
  })
  await using client = await TestClient.open(api.gateway.websocketUrl)
  client.send('x')

  expect((await api.event('MESSAGE')).requestContext).toMatchObject({
    stage: 'prod',
    identity: { sourceIp: '127.0.0.1' },
  })
})

test('GW-07 while the gateway closes, what still runs may post and enqueue, and nobody new gets in', async () => {
  const gate = new Gate()
  const answers: unknown[] = []
  const api: RecordedApi = await RecordedApi.start({
    message: async ({ requestContext }) => {
      await gate.opened
      const { gateway } = api
      const post = await call('POST', api.managementUrl(requestContext.connectionId), 'x')
      const queued = await fetch(gateway.url, {
        method: 'POST',
        headers: { 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': 'AmazonSQS.SendMessage' },
        body: JSON.stringify({ QueueUrl: gateway.queueUrl, MessageBody: 'x' }),
      })
      const upgrade = await handshake(gateway.websocketUrl).then(String, () => 'dropped')
      answers.push(post.status, queued.status, upgrade)
      return { statusCode: 200 }
    },
  })
  await using client = await TestClient.open(api.gateway.websocketUrl)
  client.send('x')
  await api.event('MESSAGE')

  const closed = api.gateway.close()
  await client.closed
  gate.open()
  await closed

  expect(answers).toEqual([410, 200, 'dropped'])
  expect(api.log).toEqual([])
})

test('GW-08 an invocation that the end of the gateway cuts off is not reported as a failure', async () => {
  const closing = Promise.withResolvers<LambdaResult>()
  const cut: LambdaResult = { kind: 'error', errorType: 'Runtime.Closed', message: 'x', trace: [] }
  const log: string[] = []
  const note = (message: string): void => void log.push(message)
  const gateway = await startLocalGateway({
    functions: {
      websocket: {
        invoke: async (event) =>
          'body' in event ? await closing.promise : { kind: 'ok', value: { statusCode: 200 } },
        close: async () => closing.resolve(cut),
      },
    },
    logger: { debug: note, info: note, warn: note, error: note },
  })
  await using client = await TestClient.open(gateway.websocketUrl)
  client.send('x')

  await gateway.close()
  await gateway.idle()

  expect(log).toEqual([])
})

test('GW-09 on every address of the machine, the addresses it tells are those of this machine', async () => {
  await using gateway = await startLocalGateway({ host: '0.0.0.0', functions: { websocket: answering } })

  expect(gateway.url).toBe(`http://127.0.0.1:${gateway.port}`)
  expect((await handshake(gateway.websocketUrl)).status).toBe(101)
})
