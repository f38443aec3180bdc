import { expect, test } from 'vitest'
import { shownPath, shownText, shownUrl } from '../../../local/shown.ts'

test('of a URL, the path is shown as it came, and of its query only the path', () => {
  expect(shownUrl('/chat/caf%C3%A9/')).toBe('/chat/caf%C3%A9/')
  expect(shownUrl('/dev?token=secret&path=/ws/chat/lobby/')).toBe('/dev?path=/ws/chat/lobby/')
  expect(shownUrl('/dev?token=secret')).toBe('/dev?…')
})

test.each([
  [shownUrl, '/a\u{1b}[2J', '/a%1B[2J'],
  [shownUrl, '/a?path=x%0Ay', '/a?path=x%0Ay'],
  [shownPath, '/a\nb\ud800', '/a%0Ab%EF%BF%BD'],
  [shownText, 'grüße, 👋\n\u{1b}[2J\u2028\ud800', 'grüße, 👋%0A%1B[2J%E2%80%A8\ufffd'],
])('%o: nothing leaves its line or works the terminal (%j)', (show, text, shown) => {
  expect(show(text)).toBe(shown)
})

test('what is long is cut', () => {
  for (const show of [shownUrl, shownPath, shownText])
    expect(show('a'.repeat(201))).toBe(`${'a'.repeat(200)}…`)
})
