import { expect, test } from 'vitest'
import { isLoopback, networkUrls } from '../../../local/dev-network.ts'

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
