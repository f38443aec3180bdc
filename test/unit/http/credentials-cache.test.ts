import { describe, expect, it, vi } from 'vitest'
import { ConfigurationError } from '../../../shared/errors.ts'
import { type AwsCredentials, CredentialsCache } from '../../../shared/http/credentials-cache.ts'

const KEYS = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' }
const NOW = 1_000_000_000_000

describe('CredentialsCache', () => {
  it('asks once for all who ask meanwhile', async () => {
    const provider = vi.fn(async () => KEYS)
    const cache = new CredentialsCache(provider)
    expect(cache.current(NOW)).toBeUndefined()
    expect(await Promise.all([cache.renew(NOW), cache.renew(NOW)])).toEqual([KEYS, KEYS])
    expect(provider).toHaveBeenCalledTimes(1)
  })

  it.each<[string, AwsCredentials, number]>([
    ['that do not say when they expire, for five minutes', KEYS, 300_000],
    ['until a minute before they expire', { ...KEYS, expiration: new Date(NOW + 3_600_000) }, 3_540_000],
    ['that are about to expire, for a second', { ...KEYS, expiration: new Date(NOW + 10) }, 1000],
  ])('keeps credentials %s', async (_, credentials, lifeMs) => {
    const cache = new CredentialsCache(async () => credentials)
    await cache.renew(NOW)
    expect(cache.current(NOW + lifeMs - 1)).toBe(credentials)
    expect(cache.current(NOW + lifeMs)).toBeUndefined()
  })

  it('asks again after a failure', async () => {
    const provider = vi.fn(async () => KEYS)
    provider.mockRejectedValueOnce(new Error('no role'))
    const cache = new CredentialsCache(provider)
    await expect(cache.renew(NOW)).rejects.toThrow('no role')
    expect(await cache.renew(NOW)).toEqual(KEYS)
  })

  it('asks for others than those that were refused, once for all who ask', async () => {
    let asked = 0
    const cache = new CredentialsCache(async () => ({ ...KEYS, sessionToken: `token-${(asked += 1)}` }))
    const refused = await cache.renew(NOW)
    const replaced = await Promise.all([cache.replace(refused, NOW), cache.replace(refused, NOW)])
    expect(replaced.map((one) => one?.sessionToken)).toEqual(['token-2', 'token-2'])
    // Whose refusal comes later gets those that are there by now.
    expect((await cache.replace(refused, NOW))?.sessionToken).toBe('token-2')
    expect(asked).toBe(2)
  })

  it('has no others where the provider gives the same again', async () => {
    const provider = vi.fn(async () => ({ ...KEYS }))
    const cache = new CredentialsCache(provider)
    expect(await cache.replace(await cache.renew(NOW), NOW)).toBeUndefined()
    expect(provider).toHaveBeenCalledTimes(2)
  })

  it('refuses credentials that would forge a header, without quoting them', async () => {
    const cache = new CredentialsCache(async () => ({ ...KEYS, sessionToken: 'a\r\nhost: b' }))
    const renewed = cache.renew(NOW)
    await expect(renewed).rejects.toBeInstanceOf(ConfigurationError)
    await expect(renewed).rejects.not.toThrow('host: b')
  })
})
