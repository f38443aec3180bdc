import { describe, expect, it } from 'vitest'
import { ConfigurationError } from '../../../shared/errors.ts'
import { parseEndpoint } from '../../../shared/gateway/endpoint.ts'

describe('parseEndpoint', () => {
  it.each([
    ['https://abc.execute-api.eu-west-1.amazonaws.com/prod', 'eu-west-1'],
    ['https://abc.execute-api.cn-north-1.amazonaws.com.cn/prod', 'cn-north-1'],
    ['http://127.0.0.1:8000/prod', 'us-east-1'],
    ['http://localhost:8000/prod', 'us-east-1'],
    ['http://[::1]:8000/prod', 'us-east-1'],
  ])('takes the region of %s from its host', (endpoint, region) => {
    expect(parseEndpoint(endpoint).region).toBe(region)
  })

  it('prefers the region that is given', () => {
    expect(parseEndpoint('https://ws.example.com/chat', 'eu-north-1').region).toBe('eu-north-1')
  })

  it.each([
    ['https://ws.example.com/a/b/', ['a', 'b']],
    ['https://ws.example.com', []],
    ['https://ws.example.com//a', ['a']],
  ])('takes the path of %s apart', (endpoint, segments) => {
    expect(parseEndpoint(endpoint, 'eu-north-1').segments).toEqual(segments)
  })

  it.each([
    'abc.execute-api.eu-west-1.amazonaws.com/prod',
    'wss://abc.execute-api.eu-west-1.amazonaws.com/prod',
    'https://abc.execute-api.eu-west-1.amazonaws.com/prod?x=1',
    'https://execute-api.eu-west-1.amazonaws.com.example.com/prod',
    '',
  ])('refuses %j', (endpoint) => {
    expect(() => parseEndpoint(endpoint)).toThrow(ConfigurationError)
  })

  it('does not quote a password', () => {
    expect(() => parseEndpoint('https://user:hunter2@ws.example.com/prod', 'eu-north-1')).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('hunter2') }),
    )
  })
})
