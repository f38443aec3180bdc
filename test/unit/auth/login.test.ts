import { describe, expect, test } from 'vitest'
import { ConfigurationError } from '../../../shared/errors.ts'
import { getUser, login, logout } from '../../../shared/auth/authentication.ts'
import { anonymousUser, isAuthenticated } from '../../../shared/auth/user.ts'
import { authWorld, userOf } from '../../support/auth-world.ts'
import { fakeScope } from '../../support/fake-connection.ts'
import { cookiesSetBy } from '../../support/test-browser.ts'

describe('login()', () => {
  test('makes the user known to this request and to those that follow', async () => {
    const { newBrowser } = authWorld()
    const browser = newBrowser()

    const response = await browser.request('POST', '/login', 'ann')

    expect(JSON.parse(response.body.toString())).toMatchObject({ user: { id: 'ann', name: 'ANN' } })
    expect(await userOf(browser)).toBe('ann')
    expect(await userOf(newBrowser())).toBeNull()
  })

  test('gives the session another id and keeps what was in it', async () => {
    const { newBrowser, store } = authWorld()
    const browser = newBrowser()
    await browser.request('POST', '/cart', 'tea')
    const before = new Map(browser.cookies)

    await browser.request('POST', '/login', 'ann')

    expect(JSON.parse(await browser.text('/me'))).toMatchObject({ user: { id: 'ann' }, cart: 'tea' })
    expect(browser.cookies).not.toEqual(before)
    expect(await store.load(store.created[0] ?? '')).toBeUndefined()
  })

  test('is of no use to who has planted a session with the browser', async () => {
    const { newBrowser } = authWorld()
    const attacker = newBrowser()
    await attacker.request('POST', '/cart', 'bait')
    const victim = newBrowser()
    for (const [name, value] of attacker.cookies) victim.cookies.set(name, value)

    await victim.request('POST', '/login', 'ann')

    expect(await userOf(victim)).toBe('ann')
    expect(await userOf(attacker)).toBeNull()
  })

  test('of another user leaves nothing of the one before', async () => {
    const { loggedIn } = authWorld()
    const browser = await loggedIn('ann')
    await browser.request('POST', '/cart', "ann's")

    await browser.request('POST', '/login', 'bob')

    expect(JSON.parse(await browser.text('/me'))).toMatchObject({ user: { id: 'bob' }, cart: null })
  })

  test('of the same user again keeps the session and gives it another id', async () => {
    const { loggedIn, store } = authWorld()
    const browser = await loggedIn('ann')
    await browser.request('POST', '/cart', 'tea')
    const before = new Map(browser.cookies)

    await browser.request('POST', '/login', 'ann')

    expect(JSON.parse(await browser.text('/me'))).toMatchObject({ user: { id: 'ann' }, cart: 'tea' })
    expect(browser.cookies).not.toEqual(before)
    expect(await store.load(store.created[0] ?? '')).toBeUndefined()
  })

  test('that is refused changes nothing', async () => {
    const { loggedIn } = authWorld()
    const browser = await loggedIn('ann')

    const response = await browser.request('POST', '/login', 'nobody')

    expect(response.status).toBe(403)
    expect(cookiesSetBy(response)).toEqual([])
    expect(await userOf(browser)).toBe('ann')
  })

  test.each([
    ['anonymousUser', anonymousUser],
    ['a user without an id', {}],
    ['a user whose id is an object', { id: {} }],
  ])('refuses %s', async (_, user) => {
    const { accounts, newBrowser } = authWorld()
    accounts.set('odd', user as never)

    await expect(newBrowser().request('POST', '/login', 'odd')).rejects.toThrow(ConfigurationError)
  })
})

describe('logout()', () => {
  test('ends the session, its data and its cookie', async () => {
    const { loggedIn, store } = authWorld()
    const browser = await loggedIn('ann')
    await browser.request('POST', '/cart', 'tea')

    const response = await browser.request('POST', '/logout')

    expect(JSON.parse(response.body.toString())).toEqual({ user: { id: null }, cart: null })
    expect(cookiesSetBy(response).map(({ attributes }) => attributes[0])).toEqual(['max-age=0'])
    expect(await store.load(store.created[0] ?? '')).toBeUndefined()
  })

  test('ends it for every tab that has the cookie', async () => {
    const { loggedIn, newBrowser } = authWorld()
    const browser = await loggedIn('ann')
    const copy = newBrowser()
    for (const [name, value] of browser.cookies) copy.cookies.set(name, value)

    await browser.request('POST', '/logout')

    expect(await userOf(copy)).toBeNull()
  })

  test('leaves other sessions of the user alone', async () => {
    const { loggedIn } = authWorld()
    const [home, work] = [await loggedIn('ann'), await loggedIn('ann')]

    await home.request('POST', '/logout')

    expect(await userOf(home)).toBeNull()
    expect(await userOf(work)).toBe('ann')
  })

  test('of who is not logged in does nothing', async () => {
    const { newBrowser } = authWorld()

    const response = await newBrowser().request('POST', '/logout')

    expect(response.status).toBe(200)
    expect(cookiesSetBy(response)).toEqual([])
  })
})

describe('a session of an account', () => {
  test('that is gone is of nobody', async () => {
    const { accounts, loggedIn } = authWorld()
    const browser = await loggedIn('ann')

    accounts.delete('ann')

    expect(await userOf(browser)).toBeNull()
  })

  test('ends when the password changes, where sessionHash says so', async () => {
    const { accounts, loggedIn, store } = authWorld({ sessionHash: ({ passwordHash }) => passwordHash })
    const browser = await loggedIn('ann')
    expect(await userOf(browser)).toBe('ann')

    accounts.set('ann', { id: 'ann', name: 'Ann', passwordHash: 'another' })

    expect(await userOf(browser)).toBeNull()
    expect(await store.load(store.created[0] ?? '')).toBeUndefined()
    expect(browser.gateway.counts.get('sessionHashChanged')).toBe(1)
  })

  test('ends too if it is older than sessionHash itself', async () => {
    const hashes: string[] = []
    const { loggedIn } = authWorld({ sessionHash: () => hashes[0] as string })
    const browser = await loggedIn('ann')
    expect(await userOf(browser)).toBe('ann')

    hashes.push('from now on')

    expect(await userOf(browser)).toBeNull()
  })

  test('keeps neither the password nor what sessionHash returns', async () => {
    const { loggedIn, store } = authWorld({ sessionHash: ({ passwordHash }) => passwordHash })
    await loggedIn('ann')

    const record = JSON.stringify(await store.load(store.created[0] ?? ''))

    expect(record).toContain('ann')
    expect(record).not.toContain('hash of ann')
  })
})

describe('who is logged in', () => {
  test('costs no call where the client has no session', async () => {
    const { newBrowser, store, lookups } = authWorld()

    await newBrowser().request('POST', '/nothing')

    expect(store.calls).toEqual([])
    expect(lookups).toEqual([])
  })

  test.each([
    ['login', () => login(fakeScope(), { id: 'ann' })],
    ['logout', () => logout(fakeScope())],
    ['getUser', () => getUser(fakeScope())],
  ] as const)('%s() says which middleware is missing', async (call, run) => {
    await expect(run()).rejects.toThrow(ConfigurationError)
    await expect(run()).rejects.toThrow(new RegExp(`^${call}\\(\\) found no session in the scope`))
  })

  test('isAuthenticated() tells users from nobody', () => {
    expect(isAuthenticated(anonymousUser)).toBe(false)
    expect(isAuthenticated({ id: 0 })).toBe(true)
    expect(Object.isFrozen(anonymousUser)).toBe(true)
  })
})
