import type { LambdaResult } from './lambda-function.ts'
import { isPlainObject } from '../shared/message.ts'

/** A well-formed answer of a Lambda proxy integration. */
export interface ProxyResponse {
  readonly statusCode: number
  readonly body: string | undefined
  /** By lower-case name. */
  readonly headers: ReadonlyMap<string, string>
}

const ALLOWED_KEYS = new Set(['statusCode', 'headers', 'multiValueHeaders', 'body', 'isBase64Encoded'])

/** Reads a function's result as a proxy response, or says in a sentence why API Gateway would not. */
export function readProxyResponse(result: LambdaResult): ProxyResponse | string {
  if (result.kind === 'error') return `the function failed with ${result.errorType}: ${result.message}`
  if (result.kind === 'timeout') return `the function timed out after ${result.timeoutMs} ms`
  const { value } = result
  if (!isPlainObject(value)) return `the function returned ${describe(value)}: return { statusCode: 200 }`
  const unknownKey = Object.keys(value).find((key) => !ALLOWED_KEYS.has(key))
  if (unknownKey !== undefined) {
    return `the function returned the key "${unknownKey}": return only ${[...ALLOWED_KEYS].join(', ')}`
  }
  const statusCode = Number(value['statusCode'] ?? Number.NaN)
  if (!Number.isInteger(statusCode) || statusCode < 200 || statusCode > 599) {
    return `the function returned statusCode ${describe(value['statusCode'])}: return an integer from 200 to 599`
  }
  return { statusCode, body: readBody(value), headers: readHeaders(value) }
}

function readBody(value: Record<string, unknown>): string | undefined {
  const body = value['body']
  if (typeof body !== 'string') return undefined
  return value['isBase64Encoded'] === true ? Buffer.from(body, 'base64').toString() : body
}

function readHeaders(value: Record<string, unknown>): Map<string, string> {
  const headers = new Map<string, string>()
  for (const [name, item] of entriesOf(value['headers'])) headers.set(name.toLowerCase(), String(item))
  for (const [name, items] of entriesOf(value['multiValueHeaders'])) {
    if (Array.isArray(items) && items.length > 0) headers.set(name.toLowerCase(), String(items.at(-1)))
  }
  return headers
}

function entriesOf(value: unknown): [string, unknown][] {
  return isPlainObject(value) ? Object.entries(value) : []
}

function describe(value: unknown): string {
  return value === undefined ? 'undefined' : JSON.stringify(value)
}
