import { hash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { AwsCredentials } from '../../../shared/http/credentials-cache.ts'
import {
  encodeSegment,
  NO_HEADERS,
  RequestSigner,
  type SignableHeaders,
  type SignableRequest,
} from '../../../shared/http/request-signer.ts'
import { referenceQuery, referenceSignature } from '../../support/reference-signature.ts'

const NOW = Date.UTC(2026, 10, 22, 8, 5, 3, 250)
const PLAIN: AwsCredentials = {
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
}
const SESSION: AwsCredentials = { ...PLAIN, sessionToken: `IQoJb3JpZ2luX2Vj${'aB/+='.repeat(138)}` }
const [HOST, REGION] = ['abc.example.com', 'eu-west-1']

const dynamodb = (operation: string): SignableHeaders => ({
  'x-amz-target': `DynamoDB_20120810.${operation}`,
  'content-type': 'application/x-amz-json-1.0',
})
const [getItem, query] = [dynamodb('GetItem'), dynamodb('Query')]
const octets = { 'content-type': 'application/octet-stream' }

describe('RequestSigner', () => {
  it.each<[string, string, string, readonly SignableHeaders[]]>([
    ['dynamodb', 'POST', '/', [getItem, query]],
    ['execute-api', 'POST', '/prod/@connections/e_d2EewNLPECIGw%3D', [octets]],
    ['execute-api', 'POST', `/prod/@connections/${'long'.repeat(200)}`, [octets]],
    ['execute-api', 'DELETE', '/prod/@connections/e_d2EewNLPECIGw%3D', [NO_HEADERS]],
  ])('signs for %s a %s of %s as @smithy/signature-v4 does', async (service, method, path, kinds) => {
    const signer = makeSigner(service)
    const canonicalPath = path.split('/').map(encodeSegment).join('/')
    const moments = [PLAIN, SESSION, PLAIN].flatMap((credentials) =>
      [NOW, NOW + 1000, NOW + 86_400_000].map((nowMs) => ({ credentials, nowMs })),
    )
    for (const { credentials, nowMs } of moments) {
      for (const headers of kinds) {
        const body = method === 'POST' ? `{"Key":{"pk":{"S":"C#é☃${nowMs}"}}}` : ''
        const request = { method, canonicalPath, payloadHash: hash('sha256', body, 'hex'), headers }
        const lines = signer.headers(request, credentials, nowMs).split('\r\n')
        const signed = { host: HOST, ...headers }
        const what = { service, region: REGION, method, path, headers: signed, body, credentials, nowMs }
        expect(lines).toContain(`authorization: ${await referenceSignature(what)}`)
        expect(lines).toEqual(
          expect.arrayContaining(Object.entries(signed).map(([name, value]) => `${name}: ${value}`)),
        )
        expect(lines.includes(`x-amz-security-token: ${SESSION.sessionToken}`)).toBe(credentials === SESSION)
      }
    }
  })

  const request = {
    method: 'POST',
    canonicalPath: '/prod/%40connections/a%253D',
    payloadHash: 'ab'.repeat(32),
    headers: octets,
  }

  it.each<[string, Partial<SignableRequest>, AwsCredentials, number]>([
    ['the method', { method: 'DELETE' }, PLAIN, NOW],
    ['the path', { canonicalPath: '/prod/%40connections/b%253D' }, PLAIN, NOW],
    ['the payload', { payloadHash: 'cd'.repeat(32) }, PLAIN, NOW],
    ['the headers', { headers: getItem }, PLAIN, NOW],
    ['the second', {}, PLAIN, NOW + 1000],
    ['the day', {}, PLAIN, NOW + 86_400_000],
    ['the secret', {}, { ...PLAIN, secretAccessKey: 'another' }, NOW],
    ['the token', {}, SESSION, NOW],
  ])('signs %s anew, although it keeps what it computed', (_, changes, credentials, now) => {
    const signer = makeSigner('execute-api')
    const before = signer.headers(request, PLAIN, NOW)
    const after = signer.headers({ ...request, ...changes }, credentials, now)
    expect(after).not.toBe(before)
    expect(after).toBe(makeSigner('execute-api').headers({ ...request, ...changes }, credentials, now))
    expect(signer.headers(request, PLAIN, NOW)).toBe(before)
  })

  it.each([
    ['without a session', PLAIN],
    ['with a session', SESSION],
  ])('signs a query %s as @smithy/signature-v4 does', async (_, credentials) => {
    const query = { Action: 'connect', User: "o'neil (chat)*", ResourceType: 'ServerlessCache' }
    const request = { query, expiresSeconds: 900 }
    for (const nowMs of [NOW, NOW + 1000, NOW + 86_400_000]) {
      const reference = { service: 'elasticache', region: REGION, host: HOST, ...request, credentials, nowMs }

      const [address, search] = makeSigner('elasticache').presign(request, credentials, nowMs).split('?')

      expect(address).toBe(`${HOST}/`)
      expect(Object.fromEntries(new URLSearchParams(search))).toEqual(await referenceQuery(reference))
      // A form would write a space as "+", which a signature does not know.
      expect(search).toContain('User=o%27neil%20%28chat%29%2A&')
    }
  })

  it.each(['', 'eu west', 'eu-west-1\r\nx: y'])('refuses the region %j', (region) => {
    expect(() => new RequestSigner({ service: 'dynamodb', region, host: HOST })).toThrow('name of a region')
  })
})

describe('encodeSegment', () => {
  it('encodes all but letters, digits, "-", ".", "_" and "~"', () => {
    expect(encodeSegment("aZ9-._~=@/!'()*+ é")).toBe('aZ9-._~%3D%40%2F%21%27%28%29%2A%2B%20%C3%A9')
  })
})

function makeSigner(service: string): RequestSigner {
  return new RequestSigner({ service, region: REGION, host: HOST })
}
