import { expect, test } from 'vitest'
import {
  type ContentSchema,
  JsonWebsocketConsumer,
  type SchemaIssue,
} from '../../../shared/consumers/json-websocket-consumer.ts'
import { GatewayWorld } from '../../support/gateway-world.ts'

class EchoConsumer extends JsonWebsocketConsumer {
  override async receiveJson(content: unknown): Promise<void> {
    await this.sendJson(content)
  }
}

const numbers: ContentSchema<number> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: async (value) =>
      typeof value === 'number'
        ? { value: value * 2 }
        : { issues: [{ message: 'not a number', path: ['a'] }] },
  },
}

class NumberConsumer extends JsonWebsocketConsumer {
  override readonly contentSchema = numbers
  override async receiveJson(content: unknown): Promise<void> {
    await this.sendJson(content)
  }
}

test.each(['{"a":[1,null,"ä"]}', '0', '""', 'null', 'false'])('the content %s comes back', async (text) => {
  const world = new GatewayWorld({ application: EchoConsumer.asApplication() })
  await world.open('a=')

  await world.receive('a=', text)

  expect(world.frames('a=')).toEqual([text])
})

test.each(['', 'hello', '{', '{"a":1}x', 'undefined', "{'a':1}"])(
  'a frame %j is not JSON: logged, counted, and closed with 1007',
  async (text) => {
    const world = new GatewayWorld({ application: EchoConsumer.asApplication() })
    await world.open('a=')

    await world.receive('a=', text)

    expect(world.frames('a=')).toEqual([
      '{"type":"websocket.close","code":1007,"reason":"the frame is not JSON"}',
    ])
    expect(world.poster.closed).toContain('a=')
    expect(world.count('invalidJson')).toBe(1)
    expect(world.logged('warn')).toMatchObject([{ details: { channelName: 'a=', reason: 'invalidJson' } }])
    expect(world.failures).toEqual([])
  },
)

test('the log does not repeat what the client sent', async () => {
  const world = new GatewayWorld({ application: EchoConsumer.asApplication() })
  await world.open('a=')

  await world.receive('a=', `{"password":"open sesame"`)

  expect(JSON.stringify(world.logger.lines)).not.toContain('sesame')
})

test('receiveInvalidJson() can keep the connection in one line', async () => {
  class Patient extends EchoConsumer {
    override async receiveInvalidJson(text: string): Promise<void> {
      await this.sendJson({ error: text })
    }
  }
  const world = new GatewayWorld({ application: Patient.asApplication() })
  await world.open('a=')

  await world.receive('a=', 'hello')

  expect(world.frames('a=')).toEqual(['{"error":"hello"}'])
  expect(world.poster.closed).toEqual(new Set())
})

test('content goes through the schema', async () => {
  const world = new GatewayWorld({ application: NumberConsumer.asApplication() })
  await world.open('a=')

  await world.receive('a=', '21')

  expect(world.frames('a=')).toEqual(['42'])
})

test('content that does not fit the schema is logged, counted, and closed with 1007', async () => {
  const world = new GatewayWorld({ application: NumberConsumer.asApplication() })
  await world.open('a=')

  await world.receive('a=', '"21"')

  expect(world.frames('a=')).toEqual([
    '{"type":"websocket.close","code":1007,"reason":"the frame does not fit the schema"}',
  ])
  expect(world.count('invalidContent')).toBe(1)
  expect(world.logged('warn')).toMatchObject([{ details: { issues: ['not a number'] } }])
})

test('receiveInvalid() gets the issues', async () => {
  class Explaining extends NumberConsumer {
    override async receiveInvalid(issues: readonly SchemaIssue[]): Promise<void> {
      await this.sendJson(issues)
    }
  }
  const world = new GatewayWorld({ application: Explaining.asApplication() })
  await world.open('a=')

  await world.receive('a=', '"21"')

  expect(world.frames('a=')).toEqual(['[{"message":"not a number","path":["a"]}]'])
})

test('an exception of receiveJson() is a failure, not invalid JSON', async () => {
  class Failing extends JsonWebsocketConsumer {
    override receiveJson(): never {
      throw new SyntaxError('mine')
    }
  }
  const world = new GatewayWorld({ application: Failing.asApplication() })
  await world.open('a=')

  await world.receive('a=', '{}')

  expect(world.count('invalidJson')).toBe(0)
  expect(world.failures).toMatchObject([{ error: { message: 'mine' } }])
})

test.each([undefined, () => {}, Symbol('x')])(
  'sendJson(%s) says that JSON cannot carry it',
  async (content) => {
    class Sending extends JsonWebsocketConsumer {
      override async receiveJson(): Promise<void> {
        await this.sendJson(content)
      }
    }
    const world = new GatewayWorld({ application: Sending.asApplication() })
    await world.open('a=')

    await world.receive('a=', '{}')

    expect(String(world.failures[0]?.error)).toContain('which JSON cannot carry')
    // Nothing but the close that every exception of a handler brings.
    expect(world.frames('a=')).toEqual([expect.stringContaining('"websocket.close"')])
  },
)

test('encodeJson() and decodeJson() can be overridden', async () => {
  class Dating extends EchoConsumer {
    override decodeJson(text: string): unknown {
      return JSON.parse(text, (key, value: unknown) => (key === 'at' ? new Date(String(value)) : value))
    }
    override async encodeJson(content: unknown): Promise<string> {
      const { at } = content as { at: Date }
      return JSON.stringify({ year: at.getUTCFullYear() })
    }
  }
  const world = new GatewayWorld({ application: Dating.asApplication() })
  await world.open('a=')

  await world.receive('a=', '{"at":"2026-01-01T00:00:00Z"}')

  expect(world.frames('a=')).toEqual(['{"year":2026}'])
})
