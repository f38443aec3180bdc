import fc from 'fast-check'
import { expect, test } from 'vitest'
import { sendMessageTemplate } from '../../cdk/serial-template.ts'
import { parseWebsocketEvent } from '../../shared/gateway/websocket-event.ts'
import { readSerialBody, serialBody } from '../../shared/serial-body.ts'
import { renderTemplate } from '../support/mapping-template.ts'
import { RoomConsumer } from '../support/room-consumer.ts'
import { recordOf, SerialWorld } from '../support/serial-world.ts'

const origin = {
  connectionId: 'RYG0LEicPHcFo_A=',
  connectedAt: 1_708_326_702_789,
  requestId: 'RYG0LHs4vHcEDgg=',
  apiId: 'nn27okk1we',
  stage: 'prod',
  domainName: 'nn27okk1we.execute-api.eu-west-1.amazonaws.com',
}
const frame = { ...origin, eventType: 'MESSAGE', routeKey: '$default' }
const template = sendMessageTemplate()

/** The call of SQS that API Gateway makes of an event. */
function callOf(context: Record<string, string | number>, body?: string): Record<string, string> {
  return Object.fromEntries(new URLSearchParams(renderTemplate(template, { context, body })))
}

test('is one line, for a line break would be part of the call', () => {
  expect(template).not.toMatch(/\s/)
  expect(template).toMatchInlineSnapshot(
    `"Action=SendMessage&MessageGroupId=$util.urlEncode($context.connectionId)&MessageDeduplicationId=$util.urlEncode($context.requestId)&MessageBody=eventType%3D$util.urlEncode($util.urlEncode($context.eventType))%26connectionId%3D$util.urlEncode($util.urlEncode($context.connectionId))%26connectedAt%3D$context.connectedAt%26requestId%3D$util.urlEncode($util.urlEncode($context.requestId))%26apiId%3D$util.urlEncode($util.urlEncode($context.apiId))%26stage%3D$util.urlEncode($util.urlEncode($context.stage))%26domainName%3D$util.urlEncode($util.urlEncode($context.domainName))%26disconnectStatusCode%3D#if($context.disconnectStatusCode)$context.disconnectStatusCode#end%26disconnectReason%3D#if($context.disconnectReason)$util.urlEncode($util.urlEncode($context.disconnectReason))#end%26body%3D#if($input.body)$util.urlEncode($util.urlEncode($input.body))#end"`,
  )
})

test('is a call of SendMessage whose group is the connection, and which is told from others by its request', () => {
  expect(callOf(frame, 'hello')).toEqual({
    Action: 'SendMessage',
    MessageGroupId: origin.connectionId,
    MessageDeduplicationId: origin.requestId,
    MessageBody: expect.any(String) as string,
  })
})

test('whatever text a frame has, the handler reads it as it was sent, and the local gateway sends the same', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (body) => {
      const { MessageBody = '' } = callOf(frame, body)

      expect(parseWebsocketEvent(readSerialBody(MessageBody))).toEqual({
        ...origin,
        kind: 'message',
        text: body,
        sourceIp: undefined,
        authorizer: undefined,
      })
      expect(readSerialBody(MessageBody)).toEqual(readSerialBody(serialBody({ requestContext: frame, body })))
    }),
  )
})

test('no text of a client can add a field, or change one', () => {
  const { MessageBody = '' } = callOf(frame, '&eventType=DISCONNECT&connectionId=x%26apiId%3Dy')

  expect(new URLSearchParams(MessageBody).getAll('eventType')).toEqual(['MESSAGE'])
  expect(new URLSearchParams(MessageBody).getAll('connectionId')).toEqual([origin.connectionId])
})

test('the end of a connection travels with its code and its reason, whatever that is', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1000, max: 4999 }), fc.string({ unit: 'binary' }), (code, reason) => {
      const context = {
        ...origin,
        eventType: 'DISCONNECT',
        disconnectStatusCode: code,
        disconnectReason: reason,
      }
      const event = parseWebsocketEvent(readSerialBody(callOf(context)['MessageBody'] ?? ''))

      expect(event).toMatchObject({ kind: 'disconnect', code, reason })
    }),
  )
})

test('where API Gateway tells neither code nor reason, the end is one without', () => {
  const { MessageBody = '' } = callOf({ ...origin, eventType: 'DISCONNECT' }, '{}')

  expect(parseWebsocketEvent(readSerialBody(MessageBody))).toMatchObject({
    kind: 'disconnect',
    code: 1005,
    reason: '',
  })
})

test('a message of at most 128 KB fits into one of SQS, however much of it has to be encoded', () => {
  const { MessageBody = '' } = callOf(frame, '\u0001'.repeat(131_072))

  expect(MessageBody.length).toBeLessThan(1_048_576)
})

test('what the template makes of frames and an end is what the handler serves', async () => {
  const lines: string[] = []
  class DiaryConsumer extends RoomConsumer {
    override async receive(text: string): Promise<void> {
      lines.push(text)
      await this.send(text)
    }
    override async disconnect(code: number, reason: string): Promise<void> {
      lines.push(`${code} ${reason}`)
    }
  }
  const world = new SerialWorld(DiaryConsumer.asApplication())
  await world.open(origin.connectionId)
  const end = {
    ...origin,
    eventType: 'DISCONNECT',
    disconnectStatusCode: 4001,
    disconnectReason: 'bye & 100 %',
  }
  const calls = [callOf(frame, '{"message":"50 % & more"}'), callOf(frame, ''), callOf(end)]

  const { batchItemFailures } = await world.serve(
    calls.map(({ MessageGroupId = '', MessageBody = '' }, index) =>
      recordOf(`m${index}`, MessageGroupId, MessageBody),
    ),
  )

  expect(batchItemFailures).toEqual([])
  expect(lines).toEqual(['{"message":"50 % & more"}', '', '4001 bye & 100 %'])
  expect(world.frames(origin.connectionId)).toEqual(['{"message":"50 % & more"}', ''])
})
