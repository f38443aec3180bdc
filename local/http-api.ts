import { validateHeaderName, validateHeaderValue } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Clock } from '../shared/clock.ts'
import { MAX_RESPONSE_BYTES } from '../shared/limits.ts'
import type { Logger } from '../shared/logger.ts'
import { isPlainObject } from '../shared/message.ts'
import { httpEvent } from './http-event.ts'
import { gatewayId } from './ids.ts'
import { type IntegrationResult, type Invoker, isCutByClose } from './invoker.ts'
import { type LambdaFunction, traceOf } from './lambda-function.ts'
import { shownUrl } from './shown.ts'

/** Bytes of a request's body that an HTTP API takes. */
const MAX_BODY_BYTES = 10_485_760

/** Bytes of an event that Lambda takes; it is the same number as for what it returns. */
const MAX_EVENT_BYTES = MAX_RESPONSE_BYTES

/** What an HTTP API needs of the gateway. */
export interface HttpApiOptions {
  readonly target: LambdaFunction
  readonly invoker: Invoker
  readonly clock: Clock
  readonly logger: Logger
}

/** An API Gateway HTTP API with one route, `$default`, and payload format 2.0: every request is an invocation. */
export class HttpApi {
  readonly #options: HttpApiOptions

  constructor(options: HttpApiOptions) {
    this.#options = options
  }

  /** Serves one request to its end. Never rejects. */
  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readBody(request)
    if (body === undefined) return refuse(response, 413, 'Request Entity Too Large')
    const { target, invoker, clock } = this.#options
    const event = httpEvent(request, body, clock.now())
    if (event === undefined) return refuse(response, 400, 'Bad Request')
    if (Buffer.byteLength(JSON.stringify(event)) > MAX_EVENT_BYTES)
      return refuse(response, 413, 'Request Entity Too Large')
    const result = await invoker.integrate(target, event)
    if (result.kind === 'integration-timeout') return this.#fail({ request, response }, result)
    const answer = readAnswer(result)
    if (typeof answer === 'string') return this.#fail({ request, response }, result, answer)
    send(response, answer)
  }

  #fail(
    { request, response }: { readonly request: IncomingMessage; readonly response: ServerResponse },
    result: IntegrationResult,
    reason?: string,
  ): void {
    const isLate = result.kind === 'integration-timeout'
    if (!isCutByClose(result)) {
      const what = reason ?? (isLate ? `the function had not answered after ${result.timeoutMs} ms` : '')
      this.#options.logger.error(
        `request ${request.method ?? ''} ${shownUrl(request.url ?? '')} failed: ${what}`,
        traceOf(result),
      )
    }
    refuse(response, isLate ? 503 : 500, isLate ? 'Service Unavailable' : 'Internal Server Error')
  }
}

interface Answer {
  readonly statusCode: number
  readonly headers: readonly (readonly [string, string | readonly string[]])[]
  readonly body: Buffer
}

/** Reads what the function returned, as payload format 2.0 has it, or says in a sentence why API Gateway would not. */
function readAnswer(result: Exclude<IntegrationResult, { kind: 'integration-timeout' }>): Answer | string {
  if (result.kind === 'error') return `the function failed with ${result.errorType}: ${result.message}`
  if (result.kind === 'timeout') return `the function timed out after ${result.timeoutMs} ms`
  const { value } = result
  const bytes = Buffer.byteLength(JSON.stringify(value))
  if (bytes > MAX_RESPONSE_BYTES) return `the function returned ${bytes} bytes, at most ${MAX_RESPONSE_BYTES}`
  if (isPlainObject(value) && value['statusCode'] !== undefined) return readResponse(value)
  const headers = [['content-type', 'application/json']] as const
  return { statusCode: 200, headers, body: Buffer.from(JSON.stringify(value)) }
}

function readResponse(value: Record<string, unknown>): Answer | string {
  const { statusCode, body = '', isBase64Encoded } = value
  const status = Number(statusCode)
  if (!Number.isInteger(status) || status < 200 || status > 599)
    return `the function returned statusCode ${JSON.stringify(statusCode)}: return an integer from 200 to 599`
  if (typeof body !== 'string') return `the function returned a body of type ${typeof body}: return text`
  const headers = readHeaders(value)
  const mistake = headerMistake(headers)
  if (mistake !== undefined) return mistake
  return {
    statusCode: status,
    headers,
    body: Buffer.from(body, isBase64Encoded === true ? 'base64' : 'utf8'),
  }
}

function readHeaders({ headers, cookies }: Record<string, unknown>): [string, string | readonly string[]][] {
  const entries = Object.entries(isPlainObject(headers) ? headers : {})
  const single = entries.map(([name, value]): [string, string] => [name.toLowerCase(), String(value)])
  return Array.isArray(cookies) ? [...single, ['set-cookie', cookies.map(String)]] : single
}

function headerMistake(
  headers: readonly (readonly [string, string | readonly string[]])[],
): string | undefined {
  for (const [name, value] of headers) {
    try {
      validateHeaderName(name)
      for (const item of [value].flat()) validateHeaderValue(name, item)
    } catch (error) {
      return `the function returned a header that cannot be sent: ${String(error)}`
    }
  }
  return undefined
}

function send(response: ServerResponse, { statusCode, headers, body }: Answer): void {
  for (const [name, value] of headers)
    response.setHeader(name, typeof value === 'string' ? value : [...value])
  response.setHeader('apigw-requestid', gatewayId())
  response.statusCode = statusCode
  response.end(body)
}

function refuse(response: ServerResponse, statusCode: number, message: string): void {
  send(response, {
    statusCode,
    headers: [['content-type', 'application/json']],
    body: Buffer.from(JSON.stringify({ message })),
  })
}

/** The whole body; `undefined` if it is larger than an HTTP API takes. */
async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      size += chunk.length
      if (size <= MAX_BODY_BYTES) chunks.push(chunk)
    }
  } catch {
    // The client has hung up: nobody waits for an answer.
    return undefined
  }
  return size <= MAX_BODY_BYTES ? Buffer.concat(chunks) : undefined
}
