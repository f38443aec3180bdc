import type { LambdaFunction, LambdaResult } from './lambda-function.ts'

/** The fields of a gateway event that an access log shows. */
interface GatewayEvent {
  readonly queryStringParameters?: Readonly<Record<string, string>>
  readonly requestContext: {
    readonly eventType: string
    readonly connectionId: string
    readonly disconnectStatusCode?: number
  }
}

/**
 * `target`, with one line written when a connection asks to be opened, is accepted, is rejected, and is gone.
 * Messages get none: there are too many.
 */
export function withAccessLog(target: LambdaFunction, write: (line: string) => void): LambdaFunction {
  return {
    async invoke(event) {
      // The gateway makes these events, so their shape needs no check.
      const { requestContext: context, queryStringParameters: query } = event as GatewayEvent
      if (context.eventType === 'DISCONNECT') {
        write(`disconnected ${context.connectionId} ${context.disconnectStatusCode ?? ''}`.trimEnd())
      }
      if (context.eventType !== 'CONNECT') return await target.invoke(event)
      write(`connecting   ${context.connectionId} ${visible(query?.['path'] ?? '/')}`)
      const result = await target.invoke(event)
      write(outcome(result, context.connectionId))
      return result
    },
  }
}

function outcome(result: LambdaResult, connectionId: string): string {
  const status = statusOf(result)
  const isAccepted = typeof status === 'number' && status >= 200 && status < 300
  return `${isAccepted ? 'accepted    ' : 'rejected    '} ${connectionId} ${status}`
}

function statusOf(result: LambdaResult): number | string {
  if (result.kind !== 'ok') return result.kind
  const status = (result.value as { readonly statusCode?: unknown } | null)?.statusCode
  return typeof status === 'number' ? status : 'without a status'
}

/** A path comes from the client: shown so that it stays on its line and works no terminal. */
function visible(path: string): string {
  return path.length > 200
    ? `${encodeURI(path.slice(0, 200).toWellFormed())}…`
    : encodeURI(path.toWellFormed())
}
