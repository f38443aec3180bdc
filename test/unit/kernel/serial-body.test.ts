import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readSerialBody, serialBody } from '../../../shared/serial-body.ts'

const requestContext = {
  eventType: 'MESSAGE',
  connectionId: 'RYG0LEicPHcFo_A=',
  connectedAt: 1_708_326_702_789,
  requestId: 'RYG0LHs4vHcEDgg=',
  apiId: 'nn27okk1we',
  stage: 'prod',
  domainName: 'nn27okk1we.execute-api.eu-west-1.amazonaws.com',
}

test('whatever text a frame has, it is read as it was written', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (body) => {
      expect(readSerialBody(serialBody({ requestContext, body }))).toEqual({ requestContext, body })
    }),
  )
})

test('a message has no character that SQS refuses, and is never empty', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string(), (body, disconnectReason) => {
      expect(serialBody({ requestContext: { disconnectReason }, body })).toMatch(/^[\w.*+%=&-]+$/)
    }),
  )
})

test('the code and the reason of an end travel, and are absent where there is none', () => {
  const ended = {
    ...requestContext,
    eventType: 'DISCONNECT',
    disconnectStatusCode: 4001,
    disconnectReason: 'bye & 100 %\u0001',
  }

  expect(readSerialBody(serialBody({ requestContext: ended })).requestContext).toEqual(ended)
  expect(readSerialBody('eventType=MESSAGE&disconnectStatusCode=&disconnectReason=')).toEqual({
    requestContext: { eventType: 'MESSAGE' },
    body: '',
  })
})

test('what is no number is none', () => {
  expect(readSerialBody('connectedAt=%24context.connectedAt&disconnectStatusCode=x').requestContext).toEqual(
    {},
  )
})

test('a field of the request context that nobody asks for does not travel', () => {
  expect(readSerialBody(serialBody({ requestContext: { ...requestContext, routeKey: '$default' } }))).toEqual(
    {
      requestContext,
      body: '',
    },
  )
})
