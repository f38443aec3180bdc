import { createContext, runInContext } from 'node:vm'

/** The largest function that CloudFront takes. */
export const MAX_FUNCTION_BYTES = 10 * 1024

interface Field {
  readonly value: string
  readonly multiValue?: readonly { readonly value: string }[]
}

interface FunctionRequest {
  readonly method: string
  readonly uri: string
  readonly querystring: Readonly<Record<string, Field>>
  readonly headers: Readonly<Record<string, Field>>
  readonly cookies: Readonly<Record<string, Field>>
}

/**
 * Runs a viewer-request function as CloudFront does, and returns what the origin is asked for: path and query, both as in
 * a URL. The function has JavaScript's globals and none of Node's.
 *
 * Event and rules: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/functions-event-structure.html
 */
export function runViewerRequest(code: string, target: string): string {
  if (Buffer.byteLength(code) > MAX_FUNCTION_BYTES) throw new Error('the function is larger than 10 KB')
  const request = requestOf(target)
  const event = {
    version: '1.0',
    context: { eventType: 'viewer-request' },
    viewer: { ip: '198.51.100.11' },
    request,
  }
  // As JSON, so that no object of this realm gets in, and none of the other out.
  const context = createContext(Object.create(null), { codeGeneration: { strings: false, wasm: false } })
  runInContext(code, context)
  const result: unknown = runInContext(
    `JSON.stringify(handler(JSON.parse(${JSON.stringify(JSON.stringify(event))})))`,
    context,
  )
  return targetOf(JSON.parse(String(result)) as FunctionRequest, request)
}

/** Names and values are handed over undecoded; of a repeated name there is one field with all values. */
function requestOf(target: string): FunctionRequest {
  const { path, query } = split(target)
  const values = new Map<string, string[]>()
  for (const pair of query.split('&').filter((text) => text !== '')) {
    const mark = pair.indexOf('=')
    const name = mark === -1 ? pair : pair.slice(0, mark)
    values.set(name, [...(values.get(name) ?? []), mark === -1 ? '' : pair.slice(mark + 1)])
  }
  const fields = [...values].map(([name, all]): [string, Field] => {
    const value = all[0] ?? ''
    return [name, all.length === 1 ? { value } : { value, multiValue: all.map((each) => ({ value: each })) }]
  })
  return { method: 'GET', uri: path, querystring: Object.fromEntries(fields), headers: {}, cookies: {} }
}

function targetOf(result: FunctionRequest, before: FunctionRequest): string {
  if (!result.uri.startsWith('/')) throw new Error(`the function returned the uri ${result.uri}`)
  const query = Object.entries(result.querystring).flatMap(([name, field]) =>
    valuesAfter(field, before.querystring[name]).map((value) => `${name}=${value}`),
  )
  const target = query.length === 0 ? result.uri : `${result.uri}?${query.join('&')}`
  if (!/^[!-~]*$/.test(target) || target.includes('#')) {
    throw new Error(`the function returned what no URL has: ${target}`)
  }
  return target
}

/** "If the multiValue array exists and has any modification"; otherwise "subsequent values … remain unchanged". */
function valuesAfter(field: Field, before: Field | undefined): readonly string[] {
  if (field.multiValue) return field.multiValue.map(({ value }) => value)
  return [field.value, ...(before?.multiValue ?? []).slice(1).map(({ value }) => value)]
}

/** The path and the query of a request's target. */
export function split(target: string): { readonly path: string; readonly query: string } {
  const mark = target.indexOf('?')
  if (mark === -1) return { path: target, query: '' }
  return { path: target.slice(0, mark), query: target.slice(mark + 1) }
}
