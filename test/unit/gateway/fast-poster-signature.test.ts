import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { FastPoster } from '../../../shared/gateway/fast-poster.ts'
import type { AwsCredentials } from '../../../shared/http/credentials-cache.ts'
import { ConnectionsStub, type StubRequest } from '../../support/connections-stub.ts'
import { HastyClock } from '../../support/hasty-clock.ts'
import { type ReferenceRequest, referenceSignature } from '../../support/reference-signature.ts'

const NOW = Date.UTC(2026, 10, 22, 8, 5, 3, 250)
const PLAIN: AwsCredentials = {
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
}
const SESSION: AwsCredentials = { ...PLAIN, sessionToken: `IQoJb3JpZ2luX2Vj${'aB/+='.repeat(138)}` }

describe('signatures of a FastPoster', { timeout: 60_000 }, () => {
  it.each([
    ['without a session token', PLAIN],
    ['with a session token', SESSION],
  ])('equal those of @smithy/signature-v4 for 300 ids %s', async (_, credentials) => {
    await using stub = await ConnectionsStub.start()
    const poster = makePoster(stub, credentials)
    const ids = Array.from({ length: 300 }, (__, index) => randomId(index))

    await Promise.all(ids.map((id, index) => poster.post(id, index % 3 === 0 ? `grüße ${index}` : 'to all')))
    poster.destroy()

    expect(stub.requests).toHaveLength(300)
    for (const request of stub.requests) {
      expect(request.headers.get('authorization')).toBe(
        await referenceSignature(wanted(stub, request, credentials)),
      )
    }
  })

  it('equal those of @smithy/signature-v4 for DELETE and GET', async () => {
    await using stub = await ConnectionsStub.start()
    stub.script = ({ method }) => {
      const date = '2025-02-03T01:46:33.523Z'
      return method === 'GET'
        ? { status: 200, body: JSON.stringify({ connectedAt: date, lastActiveAt: date }) }
        : { status: 204 }
    }
    const poster = makePoster(stub, SESSION)
    await poster.close('e_d2EewNLPECIGw=')
    await poster.get('e_d2EewNLPECIGw=')
    poster.destroy()
    for (const request of stub.requests) {
      expect(request.headers.get('authorization')).toBe(
        await referenceSignature(wanted(stub, request, SESSION)),
      )
    }
  })

  it('name the connection as the SDK does: "@" as it is, "=" encoded', async () => {
    await using stub = await ConnectionsStub.start()
    const poster = makePoster(stub, PLAIN)
    await poster.post('e_d2EewNLPECIGw=', 'hello')
    poster.destroy()
    expect(stub.requests[0]?.path).toBe('/prod/@connections/e_d2EewNLPECIGw%3D')
  })
})

function makePoster(stub: ConnectionsStub, credentials: AwsCredentials): FastPoster {
  return new FastPoster({
    endpoint: stub.endpoint,
    region: 'eu-west-1',
    credentials: async () => credentials,
    clock: new HastyClock(NOW),
    timeoutMs: 25_000,
  })
}

function randomId(index: number): string {
  const id = randomBytes(11 + (index % 3)).toString('base64')
  return index % 2 === 0 ? id.replaceAll('+', '-').replaceAll('/', '_') : `${id}!'()*`
}

/** A request that arrived, for AWS's own signer. */
function wanted(stub: ConnectionsStub, request: StubRequest, credentials: AwsCredentials): ReferenceRequest {
  const contentType = request.headers.get('content-type')
  return {
    service: 'execute-api',
    region: 'eu-west-1',
    method: request.method,
    path: request.path,
    headers: {
      host: `127.0.0.1:${stub.port}`,
      ...(contentType === undefined ? {} : { 'content-type': contentType }),
    },
    body: request.body,
    credentials,
    nowMs: NOW,
  }
}
