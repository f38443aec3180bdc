import { expect, test } from 'vitest'
import { type KnownConnection, ScopeCache } from '../../../shared/gateway/scope-cache.ts'
import { GatewayWorld } from '../../support/gateway-world.ts'

function connection(connectionId: string): KnownConnection {
  const scope = { path: '/', query: {}, headers: {}, subprotocols: [], client: null, remembered: {} }
  return { connectionId, connectedAt: 0, scope, usesState: false }
}

test('what was put in is there, until it is deleted', () => {
  const cache = new ScopeCache()
  const a = connection('a=')
  cache.set(a)

  expect(cache.get('a=')).toBe(a)
  cache.delete('a=')
  expect(cache.get('a=')).toBeUndefined()
})

test('it keeps no more than its capacity: the oldest goes', () => {
  const cache = new ScopeCache(2)
  for (const id of ['a=', 'b=', 'c=']) cache.set(connection(id))

  expect(['a=', 'b=', 'c='].map((id) => cache.get(id)?.connectionId)).toEqual([undefined, 'b=', 'c='])
})

test('a scope is frozen once it is cached: what one event changed would be seen by later ones', () => {
  const scopes = new ScopeCache()
  const scope = {
    path: '/',
    query: { room: 'lobby' },
    headers: { host: ['example.com'] },
    subprotocols: [],
    client: null,
    remembered: { prefs: { list: [1] } },
  }

  scopes.set({ connectionId: 'a=', connectedAt: 0, scope, usesState: false })

  expect(() => Object.assign(scope.query, { room: 'other' })).toThrow(TypeError)
  expect(() => scope.headers.host.push('evil.com')).toThrow(TypeError)
  expect(() => scope.remembered.prefs.list.push(2)).toThrow(TypeError)
})

test('what middleware remembers is copied, so that a constant of the application stays as it is', async () => {
  const constant = { lang: 'en' }
  const world = new GatewayWorld({
    application: async ({ connection }, { type }, send) => {
      if (type !== 'websocket.connect') return
      connection.remember('prefs', constant)
      await send({ type: 'websocket.accept' })
    },
  })

  await world.open('a=')

  expect(Object.isFrozen(constant)).toBe(false)
  expect(Object.isFrozen(world.runtime.scopes.get('a=')?.scope.remembered['prefs'])).toBe(true)
})
