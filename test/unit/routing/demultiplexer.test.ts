import { describe, expect, test } from 'vitest'
import type { Application, WebsocketScope } from '../../../shared/application.ts'
import { JsonWebsocketConsumer } from '../../../shared/consumers/json-websocket-consumer.ts'
import { WebsocketConsumer } from '../../../shared/consumers/websocket-consumer.ts'
import { ProtocolError } from '../../../shared/errors.ts'
import { Demultiplexer } from '../../../shared/routing/demultiplexer.ts'
import { DenyConnection, StopConsumer } from '../../../shared/signals.ts'
import { TestGateway } from '../../../shared/testing/test-gateway.ts'
import { WebsocketCommunicator } from '../../../shared/testing/websocket-communicator.ts'
import { FakeConnection, FakeLogger, fakeScope } from '../../support/fake-connection.ts'

class EchoConsumer extends JsonWebsocketConsumer {
  override async receiveJson(content: unknown): Promise<void> {
    await this.sendJson(content)
  }
}

const echo = EchoConsumer.asApplication()

async function open(
  application: Application<WebsocketScope>,
  options: ConstructorParameters<typeof WebsocketCommunicator>[2] = {},
): Promise<WebsocketCommunicator> {
  const client = new WebsocketCommunicator(application, '/', options)
  expect((await client.connect())[0]).toBe(true)
  return client
}

describe('frames', () => {
  test("a frame's payload goes to its stream's consumer, and what that sends comes back as the stream's", async () => {
    class UpperConsumer extends JsonWebsocketConsumer {
      override async receiveJson(content: unknown): Promise<void> {
        await this.sendJson(String(content).toUpperCase())
      }
    }
    await using client = await open(Demultiplexer({ echo, upper: UpperConsumer.asApplication() }))

    await client.sendJsonTo({ stream: 'upper', payload: 'hello' })
    await client.sendJsonTo({ stream: 'echo', payload: { message: ['hello'] } })

    expect(await client.receiveFrom()).toBe('{"stream":"upper","payload":"HELLO"}')
    expect(await client.receiveJsonFrom()).toEqual({ stream: 'echo', payload: { message: ['hello'] } })
    expect(await client.receiveNothing()).toBe(true)
  })

  test.each([null, false, 0, '', [], {}])('%j is a payload like any other', async (payload) => {
    await using client = await open(Demultiplexer({ echo }))

    await client.sendJsonTo({ stream: 'echo', payload })

    expect(await client.receiveJsonFrom()).toEqual({ stream: 'echo', payload })
  })

  test('what an encoder of its own writes is sent as it stands', async () => {
    class BigConsumer extends JsonWebsocketConsumer {
      override encodeJson(): string {
        return '{ "id": 12345678901234567890 }'
      }
      override async receiveJson(): Promise<void> {
        await this.sendJson(null)
      }
    }
    await using client = await open(Demultiplexer({ big: BigConsumer.asApplication() }))

    await client.sendJsonTo({ stream: 'big', payload: null })

    expect(await client.receiveFrom()).toBe('{"stream":"big","payload":{ "id": 12345678901234567890 }}')
  })

  test('frames of one event keep their order, awaited or not', async () => {
    class ManyConsumer extends JsonWebsocketConsumer {
      override async receiveJson(): Promise<void> {
        for (let number = 0; number < 5; number += 1) void this.sendJson(number)
      }
    }
    await using client = await open(Demultiplexer({ many: ManyConsumer.asApplication() }))

    await client.sendJsonTo({ stream: 'many', payload: null })

    for (let number = 0; number < 5; number += 1) {
      expect(await client.receiveJsonFrom()).toEqual({ stream: 'many', payload: number })
    }
  })

  test('a frame that is no JSON cannot be sent by a stream', async () => {
    class TextConsumer extends WebsocketConsumer {
      override async receive(): Promise<void> {
        await this.send('hello')
      }
    }
    const client = await open(Demultiplexer({ text: TextConsumer.asApplication() }))

    const sent = client.sendJsonTo({ stream: 'text', payload: null })

    await expect(sent).rejects.toThrow(ProtocolError)
    expect(client.isClosed).toBe(true)
  })

  test.each([
    ['no JSON', 'invalidJson'],
    ['[]', 'invalidStreamFrame'],
    ['"echo"', 'invalidStreamFrame'],
    ['{"payload":1}', 'invalidStreamFrame'],
    ['{"stream":"echo"}', 'invalidStreamFrame'],
    ['{"stream":["echo"],"payload":1}', 'invalidStreamFrame'],
    ['{"stream":"other","payload":1}', 'unknownStream'],
    ['{"stream":"constructor","payload":1}', 'unknownStream'],
    ['{"stream":"__proto__","payload":1}', 'unknownStream'],
  ])(
    '%s is logged, counted as %s, and closes the connection as an invalid frame does',
    async (text, reason) => {
      const application = Demultiplexer({ echo })
      const logger = new FakeLogger()
      const gateway = new TestGateway(application, { logger })
      const client = await open(application, { gateway })

      await client.sendTo(text)

      expect(await client.receiveJsonFrom()).toMatchObject({ type: 'websocket.close', code: 1007 })
      expect(client.isClosed).toBe(true)
      expect(gateway.counts.get(reason)).toBe(1)
      expect(logger.lines.filter(({ level }) => level === 'warn')).toEqual([
        {
          level: 'warn',
          message: 'Demultiplexer refused a frame',
          details: { reason, channelName: client.channelName, characters: text.length },
        },
      ])
    },
  )

  test('receiveInvalid takes over what becomes of such a frame', async () => {
    const application = Demultiplexer(
      { echo },
      {
        receiveInvalid: ({ text, reason, sendJson }) => sendJson({ error: reason, characters: text.length }),
      },
    )
    const gateway = new TestGateway(application)
    await using client = await open(application, { gateway })

    await client.sendTo('{"stream":"other","payload":1}')

    expect(await client.receiveJsonFrom()).toEqual({ error: 'unknownStream', characters: 30 })
    expect(gateway.counts.get('unknownStream')).toBeUndefined()
    expect(client.isClosed).toBe(false)
  })

  test('receiveInvalid can close with a code of its own', async () => {
    const application = Demultiplexer({ echo }, { receiveInvalid: ({ close }) => close(4000, 'what?') })
    const client = await open(application)

    await client.sendTo('?')

    expect(await client.receiveJsonFrom()).toEqual({ type: 'websocket.close', code: 4000, reason: 'what?' })
  })
})

describe('the handshake', () => {
  const deciding = (log: string[], name: string, decide: (consumer: WebsocketConsumer) => unknown) => {
    class DecidingConsumer extends JsonWebsocketConsumer {
      override async connect(): Promise<void> {
        log.push(`${name} connect`)
        await decide(this)
      }
      override async disconnect(): Promise<void> {
        log.push(`${name} disconnect`)
      }
    }
    return DecidingConsumer.asApplication()
  }

  test('runs connect() of each stream in order, and disconnect() of each at the end', async () => {
    const log: string[] = []
    const accept = (consumer: WebsocketConsumer): unknown => consumer.accept()
    const client = await open(
      Demultiplexer({ one: deciding(log, 'one', accept), two: deciding(log, 'two', accept) }),
    )

    await client.disconnect()

    expect(log).toEqual(['one connect', 'two connect', 'one disconnect', 'two disconnect'])
  })

  test.each([
    ['closes', (consumer: WebsocketConsumer): unknown => consumer.close(), 403],
    ['does not decide', (): unknown => undefined, 403],
    [
      'denies with 401',
      (): unknown => {
        throw new DenyConnection(401)
      },
      401,
    ],
    [
      'stops',
      (): unknown => {
        throw new StopConsumer()
      },
      403,
    ],
  ])(
    'one stream that %s refuses the connection for all, and nothing is left behind',
    async (_, decide, status) => {
      const log: string[] = []
      class JoiningConsumer extends JsonWebsocketConsumer {
        override readonly groups = ['room']
      }
      const application = Demultiplexer({
        joining: JoiningConsumer.asApplication(),
        deciding: deciding(log, 'deciding', decide),
        later: deciding(log, 'later', (consumer) => consumer.accept()),
      })
      const client = new WebsocketCommunicator(application, '/')

      expect(await client.connect()).toEqual([false, status])

      expect(log).toEqual(['deciding connect'])
      expect(await client.gateway.store.members('room')).toEqual({ members: [] })
      expect(await client.gateway.store.load(client.channelName)).toBeUndefined()
    },
  )

  test('an exception of one stream fails the handshake', async () => {
    const failing = deciding([], 'failing', () => {
      throw new Error('broken')
    })
    const client = new WebsocketCommunicator(Demultiplexer({ echo, failing }), '/')

    await expect(client.connect()).rejects.toThrow('broken')
    expect(client.isClosed).toBe(true)
  })

  test('the first subprotocol that a stream accepts is accepted', async () => {
    const application = Demultiplexer({
      none: deciding([], 'none', (consumer) => consumer.accept()),
      second: deciding([], 'second', (consumer) => consumer.accept('b')),
      third: deciding([], 'third', (consumer) => consumer.accept('a')),
    })
    const client = new WebsocketCommunicator(application, '/', { subprotocols: ['a', 'b'] })

    expect(await client.connect()).toEqual([true, 'b'])
    await client.disconnect()
  })

  test('what streams send in connect() after accept() arrives once all have accepted, as theirs', async () => {
    class GreetingConsumer extends JsonWebsocketConsumer {
      readonly #greeting: string
      constructor(greeting: string) {
        super()
        this.#greeting = greeting
      }
      override async connect(): Promise<void> {
        await this.accept()
        await this.sendJson(this.#greeting)
      }
    }
    await using client = await open(
      Demultiplexer({
        en: GreetingConsumer.asApplication('hello'),
        de: GreetingConsumer.asApplication('hallo'),
      }),
    )

    expect(await client.receiveJsonFrom()).toEqual({ stream: 'en', payload: 'hello' })
    expect(await client.receiveJsonFrom()).toEqual({ stream: 'de', payload: 'hallo' })
  })

  test('what a stream sends before a later one refuses goes nowhere', async () => {
    const application = Demultiplexer({
      chatty: deciding([], 'chatty', async (consumer) => {
        await consumer.accept()
        await consumer.send('"hello"')
      }),
      closed: deciding([], 'closed', (consumer) => consumer.close()),
    })
    const client = new WebsocketCommunicator(application, '/')

    expect(await client.connect()).toEqual([false, 403])
    expect(await client.receiveNothing(10)).toBe(true)
  })

  test.each([
    [
      'sends before accept()',
      (consumer: WebsocketConsumer): unknown => consumer.send('1'),
      'call accept() first',
    ],
    [
      'accepts twice',
      async (consumer: WebsocketConsumer): Promise<void> => {
        await consumer.accept()
        await consumer.accept()
      },
      'stream "bad" has accepted the connection already: decide once',
    ],
    [
      'accepts after it has refused',
      async (consumer: WebsocketConsumer): Promise<void> => {
        await consumer.close()
        await consumer.accept()
      },
      'stream "bad" has refused the connection already: decide once',
    ],
  ])('a stream that %s is told so, as a consumer alone is', async (_, decide, message) => {
    const client = new WebsocketCommunicator(Demultiplexer({ echo, bad: deciding([], 'bad', decide) }), '/')

    const connected = client.connect()

    await expect(connected).rejects.toThrow(ProtocolError)
    await expect(connected).rejects.toThrow(message)
  })

  test('a connection has the streams that it was opened with: a deploy adds none to it', async () => {
    const log: string[] = []
    const added = deciding(log, 'added', (consumer) => consumer.accept())
    const connection = new FakeConnection()
    const scope = fakeScope({ connection })
    const sent: unknown[] = []
    const send = async (message: unknown): Promise<void> => void sent.push(message)
    await Demultiplexer({ echo })(scope, { type: 'websocket.connect' }, send)

    const deployed = Demultiplexer({ added, echo })
    await deployed(scope, { type: 'websocket.receive', text: '{"stream":"added","payload":1}' }, send)
    await deployed(scope, { type: 'websocket.receive', text: '{"stream":"echo","payload":1}' }, send)
    await deployed(scope, { type: 'websocket.disconnect', code: 1000, reason: '' }, send)

    expect(sent).toEqual([
      { type: 'websocket.accept' },
      { type: 'websocket.close', code: 1007, reason: 'the frame belongs to no stream' },
      { type: 'websocket.send', text: '{"stream":"echo","payload":1}' },
    ])
    expect(connection.counts.get('unknownStream')).toBe(1)
    expect(log).toEqual([])
  })
})

describe('disconnect', () => {
  const leaving = (log: string[], name: string, failure?: Error): Application<WebsocketScope> => {
    class LeavingConsumer extends JsonWebsocketConsumer {
      override async disconnect(code: number): Promise<void> {
        log.push(`${name} ${code}`)
        if (failure !== undefined) throw failure
      }
    }
    return LeavingConsumer.asApplication()
  }

  test('runs for every stream, even if one throws, and the failure is reported', async () => {
    const log: string[] = []
    const client = await open(
      Demultiplexer({ bad: leaving(log, 'bad', new Error('oops')), good: leaving(log, 'good') }),
    )

    await expect(client.disconnect(4000)).rejects.toThrow('oops')
    expect(log).toEqual(['bad 4000', 'good 4000'])
  })

  test('of several failures none is lost', async () => {
    const client = await open(
      Demultiplexer({
        one: leaving([], 'one', new Error('first')),
        two: leaving([], 'two', new Error('second')),
      }),
    )

    const failure: unknown = await client.disconnect().catch((error: unknown) => error)

    expect(failure).toBeInstanceOf(AggregateError)
    expect((failure as AggregateError).errors.map(String)).toEqual(['Error: first', 'Error: second'])
  })

  test('StopConsumer there is no failure, and the other streams run', async () => {
    const log: string[] = []
    const client = await open(
      Demultiplexer({ one: leaving(log, 'one', new StopConsumer()), two: leaving(log, 'two') }),
    )

    await client.disconnect()

    expect(log).toEqual(['one 1000', 'two 1000'])
  })

  test('StopConsumer of one stream does not hide the failure of another', async () => {
    const client = await open(
      Demultiplexer({
        one: leaving([], 'one', new StopConsumer()),
        two: leaving([], 'two', new Error('oops')),
      }),
    )

    await expect(client.disconnect()).rejects.toThrow(/^oops$/)
  })

  test('close() by one stream closes the connection for all', async () => {
    const log: string[] = []
    class ClosingConsumer extends JsonWebsocketConsumer {
      override async receiveJson(): Promise<void> {
        await this.close(4001, 'enough')
      }
    }
    const client = await open(
      Demultiplexer({ closing: ClosingConsumer.asApplication(), other: leaving(log, 'other') }),
    )

    await client.sendJsonTo({ stream: 'closing', payload: null })
    await client.disconnect()

    expect(await client.receiveJsonFrom()).toEqual({ type: 'websocket.close', code: 4001, reason: 'enough' })
    expect(client.isClosed).toBe(true)
    expect(log).toEqual(['other 1000'])
  })
})
