import { expect, test } from 'vitest'
import { type KnownConnection, ScopeCache } from '../../../shared/gateway/scope-cache.ts'

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
