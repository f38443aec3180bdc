import { expect, test } from 'vitest'
import { isLoopback, networkUrls, pageHosts } from '../../../local/dev-network.ts'
import { originMatcher } from '../../../shared/security/origin-pattern.ts'

test.each([
  ['127.0.0.1', true],
  ['127.1.2.3', true],
  ['localhost', true],
  ['::1', true],
  ['0.0.0.0', false],
  ['::', false],
  ['192.0.2.1', false],
  ['laptop.example', false],
])('whether only this machine reaches %s: %s', (host, expected) => {
  expect(isLoopback(host)).toBe(expected)
})

test('addresses of the network are told only of a server on every address, and none of them is loopback', () => {
  expect(networkUrls('127.0.0.1', 80)).toEqual([])
  for (const url of networkUrls('0.0.0.0', 8000)) {
    expect(url).toMatch(/^http:\/\/[\d.]+:8000\/$/)
    expect(isLoopback(new URL(url).hostname)).toBe(false)
  }
})

test.each([
  ['127.0.0.1', 'http://127.0.0.1:8000'],
  ['127.0.0.1', 'http://localhost:8000'],
  ['127.0.0.2', 'http://127.0.0.2:8000'],
  ['laptop.example', 'http://laptop.example:8000'],
  ['2001:db8::1', 'http://[2001:db8::1]:8000'],
  ['::', 'http://[::1]:8000'],
  ['0', 'http://127.0.0.1:8000'],
])('pages of a server that listens on %s have the origin %s', (host, origin) => {
  expect(originMatcher(pageHosts(host))(origin)).toBe(true)
  expect(originMatcher(pageHosts(host))('http://evil.example')).toBe(false)
})

test('pages of a server on every address may come from each address that is told', () => {
  const isAllowed = originMatcher(pageHosts('0.0.0.0'))

  expect(networkUrls('0.0.0.0', 8000).filter((url) => !isAllowed(new URL(url).origin))).toEqual([])
})
