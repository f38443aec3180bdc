import { DeliveryError } from '../errors.ts'
import { isPlainObject } from '../message.ts'
import type { ConnectionInfo } from './poster.ts'

/**
 * Reads the body of GET `@connections/{id}`.
 *
 * @throws {@link DeliveryError} that is not retryable, if it is none
 */
export function readConnectionInfo(connectionId: string, body: string): ConnectionInfo {
  const value = parseJson(body)
  if (isPlainObject(value)) {
    const connectedAt = dateOf(value['connectedAt'])
    const lastActiveAt = dateOf(value['lastActiveAt'])
    const identity = isPlainObject(value['identity']) ? value['identity'] : {}
    if (connectedAt !== undefined && lastActiveAt !== undefined) {
      return {
        connectedAt,
        lastActiveAt,
        sourceIp: textOf(identity['sourceIp']),
        userAgent: textOf(identity['userAgent']),
      }
    }
  }
  throw new DeliveryError(
    `GET of connection ${JSON.stringify(connectionId)} was answered with ${JSON.stringify(body.slice(0, 200))}, ` +
      'which lacks connectedAt and lastActiveAt as ISO dates: check that the endpoint is API Gateway',
    { retryable: false, status: 200 },
  )
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function dateOf(value: unknown): number | undefined {
  const time = typeof value === 'string' ? Date.parse(value) : NaN
  return Number.isNaN(time) ? undefined : time
}

// API Gateway sends null for a client without a User-Agent.
function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
