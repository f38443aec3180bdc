import { expect, test } from 'vitest'
import { type ContentSchema, JsonWebsocketConsumer, type SchemaIssue } from '../../shared/index.ts'
import { WebsocketCommunicator } from '../../shared/testing/index.ts'
import { GatewayWorld } from '../support/gateway-world.ts'

// 1.4 JSON consumer

class EchoConsumer extends JsonWebsocketConsumer {
  override async receiveJson(content: unknown): Promise<void> {
    await this.sendJson({ content })
  }
}

test('`receive_json`, `send_json`', async () => {
  await using client = new WebsocketCommunicator(EchoConsumer.asApplication(), '/')
  await client.connect()

  for (const content of [{ a: [1, 'ä'] }, null, 0, '']) {
    await client.sendJsonTo(content)
    expect(await client.receiveJsonFrom()).toEqual({ content })
  }
})

test('text that is no JSON closes', async () => {
  class Patient extends EchoConsumer {
    override async receiveInvalidJson(text: string): Promise<void> {
      await this.sendJson({ refused: text })
    }
  }
  const strict = new GatewayWorld({ application: EchoConsumer.asApplication() })
  const patient = new GatewayWorld({ application: Patient.asApplication() })
  for (const world of [strict, patient]) {
    await world.open('a=')
    await world.receive('a=', '{"a"')
  }

  expect(JSON.parse(strict.frames('a=').join())).toMatchObject({ type: 'websocket.close', code: 1007 })
  expect(strict.poster.closed).toEqual(new Set(['a=']))
  expect([strict.logged('warn').length, strict.count('invalidJson')]).toEqual([1, 1])
  expect(patient.frames('a=')).toEqual(['{"refused":"{\\"a\\""}'])
  expect(patient.poster.closed).toEqual(new Set())
})

test('`encode_json`, `decode_json`', async () => {
  class BigConsumer extends EchoConsumer {
    override decodeJson(text: string): unknown {
      return BigInt(text)
    }
    override encodeJson({ content }: { readonly content: bigint }): string {
      return String(content + 1n)
    }
  }
  await using client = new WebsocketCommunicator(BigConsumer.asApplication(), '/')
  await client.connect()

  await client.sendTo('9007199254740993')

  expect(await client.receiveFrom()).toBe('9007199254740994')
})

test('checking of content is yours', async () => {
  const validate: ContentSchema<number>['~standard']['validate'] = (value) =>
    typeof value === 'number' ? { value: value * 2 } : { issues: [{ message: 'not a number' }] }
  const issues: SchemaIssue[] = []
  class Numbers extends EchoConsumer {
    override readonly contentSchema = { '~standard': { version: 1, vendor: 'test', validate } } as const
    override async receiveInvalid(found: readonly SchemaIssue[]): Promise<void> {
      issues.push(...found)
      await super.receiveInvalid(found)
    }
  }
  const world = new GatewayWorld({ application: Numbers.asApplication() })
  await world.open('a=')

  await world.receive('a=', '21')
  await world.receive('a=', '"21"')

  const [doubled = '', close = ''] = world.frames('a=')
  expect(JSON.parse(doubled)).toEqual({ content: 42 })
  expect(JSON.parse(close)).toMatchObject({ type: 'websocket.close', code: 1007 })
  expect(issues).toEqual([{ message: 'not a number' }])
})
