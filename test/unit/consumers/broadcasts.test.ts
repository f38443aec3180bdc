import { expect, test } from 'vitest'
import { broadcastOf } from '../../../shared/broadcast.ts'
import { findBroadcast } from '../../../shared/consumers/broadcasts.ts'
import { JsonWebsocketConsumer } from '../../../shared/consumers/json-websocket-consumer.ts'
import { WebsocketConsumer } from '../../../shared/consumers/websocket-consumer.ts'
import { ConfigurationError, ProtocolError } from '../../../shared/errors.ts'
import { DenyConnection, StopConsumer } from '../../../shared/signals.ts'
import { ApplicationCommunicator } from '../../../shared/testing/application-communicator.ts'

interface Say {
  readonly type: string
  readonly text: string
}

class TextConsumer extends WebsocketConsumer {
  static chatMessage({ text }: Say): string | undefined {
    return text === '' ? undefined : text
  }
}

class JsonConsumer extends JsonWebsocketConsumer {
  static chatMessage({ text }: Say): unknown {
    return { text }
  }
}

const say = (text: string): Say => ({ type: 'chat.message', text })

function render(
  consumerClass: Parameters<typeof findBroadcast>[0],
  event: Say = say('hello'),
): Promise<string | undefined> {
  const broadcast = findBroadcast(consumerClass, event.type)
  if (broadcast === undefined) throw new Error(`${consumerClass.name} has no broadcast handler`)
  return broadcast.render({ ...event })
}

test('what a broadcast handler of a text consumer returns is the frame', async () => {
  expect(await render(TextConsumer)).toBe('hello')
})

test('what a broadcast handler of a JSON consumer returns is encoded as JSON', async () => {
  expect(await render(JsonConsumer)).toBe('{"text":"hello"}')
})

test('a broadcast handler that returns nothing makes no frame', async () => {
  expect(await render(TextConsumer, say(''))).toBeUndefined()
})

test('a broadcast handler that returns null to a JSON consumer makes the frame "null"', async () => {
  class NullConsumer extends JsonWebsocketConsumer {
    static chatMessage(): null {
      return null
    }
  }

  expect(await render(NullConsumer)).toBe('null')
})

test('a broadcast handler may be async', async () => {
  class AsyncConsumer extends JsonWebsocketConsumer {
    static async chatMessage({ text }: Say): Promise<object> {
      return { later: await Promise.resolve(text) }
    }
  }

  expect(await render(AsyncConsumer)).toBe('{"later":"hello"}')
})

test('an overridden encodeJson() encodes what a broadcast handler returns, async or not', async () => {
  class Bracketing extends JsonConsumer {
    override async encodeJson(content: unknown): Promise<string> {
      return `[${await super.encodeJson(content)}]`
    }
  }

  expect(await render(Bracketing)).toBe('[{"text":"hello"}]')
})

test('an encodeJson() that uses its instance is refused for a broadcast handler: there is none', async () => {
  class Personal extends JsonConsumer {
    override encodeJson(content: unknown): string {
      return `${this.channelName} ${super.encodeJson(content) as string}`
    }
  }

  await expect(render(Personal)).rejects.toThrow(
    new ProtocolError(
      'what broadcast handler Personal.chatMessage() returned is encoded once for a whole group, without a consumer, and the encoder used this.channelName: let encodeJson() depend on its content alone',
    ),
  )
})

test.each([{ text: 'hello' }, 1, null])(
  'a text consumer whose broadcast handler returns %j is told what to return',
  async (content) => {
    class WrongConsumer extends WebsocketConsumer {
      static chatMessage(): unknown {
        return content
      }
    }

    const rendered = render(WrongConsumer)

    await expect(rendered).rejects.toThrow(ProtocolError)
    await expect(rendered).rejects.toThrow(
      `broadcast handler WrongConsumer.chatMessage() made ${content === null ? 'null' : `a value of type ${typeof content}`} of "chat.message": return the frame's text`,
    )
  },
)

test.each([new StopConsumer(), new DenyConnection()])(
  'a signal in a broadcast handler is a failure: it must not end the one who sends (%o)',
  async (signal) => {
    class StoppingConsumer extends WebsocketConsumer {
      static chatMessage(): string {
        throw signal
      }
    }

    const failure: unknown = await render(StoppingConsumer).catch((error: unknown) => error)

    expect(failure).toBeInstanceOf(ProtocolError)
    expect(failure).toMatchObject({
      message: expect.stringContaining(`StoppingConsumer.chatMessage() threw ${signal.name}`) as string,
      cause: signal,
    })
  },
)

test('in a broadcast handler `this` is the class that defines it, whichever inherits it', async () => {
  class Base extends WebsocketConsumer {
    static readonly #mark = '!'
    static chatMessage({ text }: Say): string {
      return text + this.#mark
    }
  }
  class Derived extends Base {}

  expect(await render(Derived)).toBe('hello!')
})

test('a consumer that is sent the event alone sends what its broadcast handler makes of it', async () => {
  const communicator = new ApplicationCommunicator(JsonConsumer.asApplication(), {})

  await communicator.sendInput({ ...say('hello') })

  expect(await communicator.receiveOutput()).toEqual({ type: 'websocket.send', text: '{"text":"hello"}' })
})

test('a consumer that is sent the event alone sends nothing where its broadcast handler makes nothing of it', async () => {
  const communicator = new ApplicationCommunicator(TextConsumer.asApplication(), {})

  await communicator.sendInput({ ...say('') })

  expect(await communicator.receiveNothing()).toBe(true)
})

test('a static and another method of one name are refused when the application is made, inherited or not', () => {
  class Both extends TextConsumer {
    async chatMessage(): Promise<void> {}
  }

  expect(() => Both.asApplication()).toThrow(ConfigurationError)
  expect(() => Both.asApplication()).toThrow(
    'Both has both a static method chatMessage() and one of its instances',
  )
})

test('static members that are no broadcast handlers clash with nothing', () => {
  class Busy extends WebsocketConsumer {
    static readonly parse = JSON.parse
    static #format(): void {}
    static get accessor(): () => void {
      return () => Busy.#format()
    }
    parse(): void {}
    accessor(): void {}
    format(): void {}
  }

  expect(() => Busy.asApplication()).not.toThrow()
})

test('classes serve a type by one broadcast if they inherit the same method', () => {
  class Sibling extends TextConsumer {}
  class Cousin extends TextConsumer {
    async other(): Promise<void> {}
  }
  const handlings = [Sibling, Cousin, TextConsumer].map((consumer) => findBroadcast(consumer, 'chat.message'))

  expect(handlings.every((one) => one && handlings.every((other) => other && one.isSame(other)))).toBe(true)
})

test('a broadcast is another one if its method, its class or its encoding is another', () => {
  class Overriding extends JsonConsumer {
    static override chatMessage({ text }: Say): unknown {
      return { text }
    }
  }
  class Encoding extends JsonConsumer {
    override encodeJson(): string {
      return ''
    }
  }
  class Two extends JsonConsumer {
    static override chatMessage(): unknown {
      return 1
    }
    static chatOther(): unknown {
      return 2
    }
  }
  const isSame = (
    left: Parameters<typeof findBroadcast>,
    right: Parameters<typeof findBroadcast>,
  ): unknown => {
    const other = findBroadcast(...right)
    return other && findBroadcast(...left)?.isSame(other)
  }

  expect(isSame([JsonConsumer, 'chat.message'], [Overriding, 'chat.message'])).toBe(false)
  expect(isSame([JsonConsumer, 'chat.message'], [Encoding, 'chat.message'])).toBe(false)
  expect(isSame([Two, 'chat.message'], [Two, 'chat.other'])).toBe(false)
  expect(isSame([Two, 'chat.message'], [Two, 'chat.message'])).toBe(true)
})

test('an application knows the broadcast of its consumer, and none for a type that it does not handle', () => {
  const application = TextConsumer.asApplication()

  expect(broadcastOf(application, 'chat.message')).toBeDefined()
  expect(broadcastOf(application, 'chat.other')).toBeUndefined()
  expect(broadcastOf(application, 'no-method')).toBeUndefined()
})
