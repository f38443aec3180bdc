import { expect, it } from 'vitest'
import { ConnectionGoneError, DeliveryError } from '../../shared/errors.ts'
import type { Poster } from '../../shared/gateway/poster.ts'
import { ID } from './poster-fixture.ts'

/** Makes a poster to which API Gateway answers `status`, to every call and every try. */
export type GivenStatus = (
  status: 200 | 403 | 410 | 429 | 503,
) => Promise<AsyncDisposable & { readonly poster: Poster }>

const CALLS = [
  ['post', (poster: Poster): Promise<unknown> => poster.post(ID, 'hello')],
  ['close', (poster: Poster): Promise<unknown> => poster.close(ID)],
  ['get', (poster: Poster): Promise<unknown> => poster.get(ID)],
] as const

/** What callers of any poster rely on, the fakes of tests included: what each answer means, whatever the call. */
export function outcomes(given: GivenStatus): void {
  it.each(CALLS)('rejects %s with a ConnectionGoneError on 410', async (_, call) => {
    await using fixture = await given(410)
    await expect(call(fixture.poster)).rejects.toBeInstanceOf(ConnectionGoneError)
  })

  it.each(CALLS)('rejects %s for good on 403', async (_, call) => {
    await using fixture = await given(403)
    const failure = call(fixture.poster)
    await expect(failure).rejects.toBeInstanceOf(DeliveryError)
    await expect(failure).rejects.toMatchObject({ retryable: false, status: 403 })
  })

  for (const status of [429, 503] as const) {
    it.each(CALLS)(`rejects %s on ${status}, and says that a later try may succeed`, async (_, call) => {
      await using fixture = await given(status)
      await expect(call(fixture.poster)).rejects.toMatchObject({
        code: 'DELIVERY_FAILED',
        retryable: true,
        status,
      })
    })
  }

  it('resolves post and close on success', async () => {
    await using fixture = await given(200)
    await expect(fixture.poster.post(ID, 'hello')).resolves.toBeUndefined()
    await expect(fixture.poster.close(ID)).resolves.toBeUndefined()
  })
}
