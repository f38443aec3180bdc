import { transformSync } from 'esbuild'
import { expect, test } from 'vitest'
import { FRONT_PATHS_CODE } from '../../cdk/front-paths.ts'
import { MAX_FUNCTION_BYTES, runViewerRequest } from '../support/cloudfront-function.ts'

test.each([
  ['a Channels path', '/ws/chat/lobby/', '/?path=/ws/chat/lobby/'],
  ['a path with a query', '/ws/chat/lobby/?token=x', '/?token=x&path=/ws/chat/lobby/'],
  ['the root', '/', '/?path=/'],
  ['what a query would read otherwise', '/ws/a+b&c=d;e/', '/?path=/ws/a%2Bb%26c%3Dd%3Be/'],
  ['escapes, which API Gateway decodes once', '/ws/caf%C3%A9/%252F/', '/?path=/ws/caf%C3%A9/%252F/'],
  ['what is no escape', '/ws/100%/%zz/%', '/?path=/ws/100%25/%25zz/%25'],
  ['what browsers escape and other clients do not', '/ws/a"b|c\\/', '/?path=/ws/a%22b%7Cc%5C/'],
  ['bytes that are not ASCII', '/ws/café/😀/', '/?path=/ws/caf%C3%A9/%F0%9F%98%80/'],
  ['dots, which are the application’s business', '/ws/../admin/', '/?path=/ws/../admin/'],
  ['a parameter without a value', '/ws/?debug', '/?debug=&path=/ws/'],
  ['a repeated parameter', '/ws/?room=1&a=b&room=2', '/?room=1&room=2&a=b&path=/ws/'],
  ['escapes in the query', '/ws/?a%26b=%2B+%25', '/?a%26b=%2B+%25&path=/ws/'],
  ['a name that objects have', '/ws/?__proto__=1&constructor=2', '/?__proto__=1&constructor=2&path=/ws/'],
])('%s reaches the stage', (_what, target, expected) => {
  expect(runViewerRequest(FRONT_PATHS_CODE, target)).toBe(expected)
})

test.each([
  '/ws/?path=/admin/',
  '/ws/?path=/admin/&path=/other/',
  '/ws/?%70ath=/admin/',
  '/ws/?p%61th=/admin/&%70%61%74%68=/other/&path=/third/&path=/fourth/',
])('a path in the query never overrides that of the URL: %s', (target) => {
  expect(runViewerRequest(FRONT_PATHS_CODE, target)).toBe('/?path=/ws/')
})

test('parameters that only look like a path stay', () => {
  const query = 'Path=1&path%zz=2&path+=3&paths=4'

  expect(runViewerRequest(FRONT_PATHS_CODE, `/ws/?${query}`)).toBe(`/?${query}&path=/ws/`)
})

test('a very long path reaches the stage whole', () => {
  const path = `/ws/${'room'.repeat(2000)}/`

  expect(runViewerRequest(FRONT_PATHS_CODE, path)).toBe(`/?path=${path}`)
})

test('the function is ECMAScript 5.1, all of which runtime 2.0 has, and within the size that CloudFront takes', () => {
  const { code } = transformSync(FRONT_PATHS_CODE, { target: 'es5' })

  expect(code).toBe(transformSync(FRONT_PATHS_CODE, { target: 'esnext' }).code)
  expect(Buffer.byteLength(FRONT_PATHS_CODE)).toBeLessThan(MAX_FUNCTION_BYTES)
})
