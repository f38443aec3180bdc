import { readSerialBody } from '../shared/serial-body.ts'
import { failuresOf } from './batch-failures.ts'
import { isCutByClose } from './invoker.ts'
import type { LambdaFunction, LambdaResult } from './lambda-function.ts'
import { shownPath, shownText } from './shown.ts'

/** The fields of a gateway event that an access log shows. */
interface GatewayEvent {
  readonly queryStringParameters?: Readonly<Record<string, string>>
  readonly requestContext: {
    readonly eventType: string
    readonly connectionId: string
    readonly disconnectStatusCode?: number
    readonly disconnectReason?: string
  }
}

/** A message of the serial queue, as far as an access log looks into it. */
interface SerialRecord {
  readonly messageId: string
  readonly body: string
}

/** The paths of open connections, by their id. */
export type OpenPaths = Map<string, string>

/**
 * `target`, with one line written when a connection asks to be opened, is accepted, is rejected, and is gone.
 * Messages get none: there are too many.
 */
export function withAccessLog(
  target: LambdaFunction,
  write: (line: string) => void,
  paths: OpenPaths = new Map(),
): LambdaFunction {
  return {
    async invoke(event) {
      // The gateway makes these events, so their shape needs no check.
      const { requestContext: context, queryStringParameters: query } = event as GatewayEvent
      if (context.eventType === 'DISCONNECT') writeEnding(context, write, paths)
      if (context.eventType !== 'CONNECT') return await target.invoke(event)
      const path = shownPath(query?.['path'] ?? '/')
      write(`connecting   ${context.connectionId} ${path}`)
      const result = await target.invoke(event)
      if (!isCutByClose(result)) write(outcome(result, context.connectionId))
      if (isAccepted(result)) paths.set(context.connectionId, path)
      return result
    },
  }
}

/** `target`, which serves batches of the serial queue, with the line for a connection whose end it has served. */
export function withSerialAccessLog(
  target: LambdaFunction,
  write: (line: string) => void,
  paths: OpenPaths,
): LambdaFunction {
  return {
    async invoke(event) {
      const result = await target.invoke(event)
      // The local queue makes these events, so their shape needs no check.
      const { Records } = event as { readonly Records: readonly SerialRecord[] }
      const failures = failuresOf(result, Records)
      for (const { messageId, body } of Records) {
        const { requestContext } = readSerialBody(body)
        // What has failed comes again.
        if (requestContext['eventType'] === 'DISCONNECT' && !failures.has(messageId))
          writeEnding(requestContext as GatewayEvent['requestContext'], write, paths)
      }
      return result
    },
  }
}

function writeEnding(
  context: GatewayEvent['requestContext'],
  write: (line: string) => void,
  paths: OpenPaths,
): void {
  write(ending(context, paths.get(context.connectionId)))
  paths.delete(context.connectionId)
}

/** The fields of an HTTP API's event that an access log shows: no query, which may hold secrets. */
interface RequestEvent {
  readonly requestContext: { readonly http: { readonly method: string; readonly path: string } }
}

/** `target`, with one line written for each request when it is answered. */
export function withRequestLog(target: LambdaFunction, write: (line: string) => void): LambdaFunction {
  return {
    async invoke(event) {
      const { method, path } = (event as RequestEvent).requestContext.http
      const result = await target.invoke(event)
      if (!isCutByClose(result)) write(`${method.padEnd(12)} ${shownPath(path)} ${statusOf(result)}`)
      return result
    },
  }
}

function outcome(result: LambdaResult, connectionId: string): string {
  return `${isAccepted(result) ? 'accepted    ' : 'rejected    '} ${connectionId} ${statusOf(result)}`
}

function isAccepted(result: LambdaResult): boolean {
  const status = statusOf(result)
  return typeof status === 'number' && status >= 200 && status < 300
}

// Ordinary ends, for which API Gateway has a phrase each that says no more than the code.
const ORDINARY: ReadonlySet<number | undefined> = new Set([1000, 1001, 1005, 1006])

function ending(context: GatewayEvent['requestContext'], path: string | undefined): string {
  const { connectionId, disconnectStatusCode: code, disconnectReason: reason = '' } = context
  const line = ['disconnected', connectionId, code, path].filter((part) => part !== undefined).join(' ')
  return ORDINARY.has(code) || reason === '' ? line : `${line}: ${shownText(reason)}`
}

function statusOf(result: LambdaResult): number | string {
  if (result.kind !== 'ok') return result.kind
  const status = (result.value as { readonly statusCode?: unknown } | null)?.statusCode
  return typeof status === 'number' ? status : 'without a status'
}
