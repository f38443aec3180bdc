import { isPlainObject } from '../shared/message.ts'
import { connectArn, type HandshakeParts } from './events.ts'
import type { IntegrationResult } from './invoker.ts'

/** What a Lambda authorizer decided: the context for all later events, or the status of the refusal. */
export type Authorization =
  | { readonly kind: 'allow'; readonly context: Readonly<Record<string, string | number | boolean>> }
  | { readonly kind: 'refuse'; readonly status: 401 | 403 | 500; readonly why: string }

const MAX_RESULT_BYTES = 8192

/**
 * Finds the first identity source that the handshake lacks. Sources are written as in API Gateway:
 * `route.request.header.Authorization`, `route.request.querystring.token`.
 */
export function missingIdentitySource(sources: readonly string[], parts: HandshakeParts): string | undefined {
  return sources.find((source) => {
    const match = /^(?:route|method)\.request\.(header|querystring)\.(.+)$/.exec(source)
    const name = match?.[2] ?? ''
    if (match?.[1] === 'querystring') return !parts.query.get(name)?.at(-1)
    const wanted = name.toLowerCase()
    return ![...parts.headers].some(([header, values]) => header.toLowerCase() === wanted && values.at(-1))
  })
}

/** Reads what the authorizer function returned for a connection to `stage`. */
export function readAuthorization(
  result: IntegrationResult,
  stage: string,
  integrationLatency: number,
): Authorization {
  if (result.kind === 'error' && result.message === 'Unauthorized')
    return refuse(401, 'the authorizer threw "Unauthorized"')
  if (result.kind === 'error')
    return refuse(500, `the authorizer failed with ${result.errorType}: ${result.message}`)
  if (result.kind !== 'ok') return refuse(500, `the authorizer timed out after ${result.timeoutMs} ms`)
  const { value } = result
  if (!isPlainObject(value))
    return refuse(500, 'the authorizer returned no object: return { principalId, policyDocument }')
  const bytes = Buffer.byteLength(JSON.stringify(value))
  if (bytes > MAX_RESULT_BYTES)
    return refuse(500, `the authorizer returned ${bytes} bytes: return at most ${MAX_RESULT_BYTES}`)
  const policy = value['policyDocument']
  if (!isPlainObject(policy)) return refuse(500, 'the authorizer returned no policyDocument')
  if (!allows(policy, connectArn(stage))) return refuse(403, `the policy does not allow ${connectArn(stage)}`)
  return readContext(value, integrationLatency)
}

function readContext(value: Record<string, unknown>, integrationLatency: number): Authorization {
  const context = value['context'] ?? {}
  if (!isPlainObject(context)) return refuse(500, 'the context of the authorizer is no object')
  const bad = Object.entries(context).find(
    ([, item]) => !['string', 'number', 'boolean'].includes(typeof item),
  )
  if (bad)
    return refuse(
      500,
      `the context key "${bad[0]}" of the authorizer is no string, number or boolean: flatten it`,
    )
  const principalId = value['principalId']
  return {
    kind: 'allow',
    context: {
      ...(typeof principalId === 'string' && { principalId }),
      ...(context as Record<string, string | number | boolean>),
      integrationLatency,
    },
  }
}

function refuse(status: 401 | 403 | 500, why: string): Authorization {
  return { kind: 'refuse', status, why }
}

function allows(policy: Record<string, unknown>, arn: string): boolean {
  const statements = [policy['Statement']]
    .flat()
    .filter(isPlainObject)
    .filter((statement) => applies(statement, arn))
  if (statements.some((statement) => statement['Effect'] === 'Deny')) return false
  return statements.some((statement) => statement['Effect'] === 'Allow')
}

function applies(statement: Record<string, unknown>, arn: string): boolean {
  const isMatch = (key: string, value: string, flags: string): boolean =>
    [statement[key]]
      .flat()
      .some((pattern) => typeof pattern === 'string' && wildcard(pattern, flags).test(value))
  return isMatch('Action', 'execute-api:Invoke', 'i') && isMatch('Resource', arn, '')
}

function wildcard(pattern: string, flags: string): RegExp {
  const source = pattern
    .replaceAll(/[.+^${}()|[\]\\]/g, String.raw`\$&`)
    .replaceAll('*', '.*')
    .replaceAll('?', '.')
  return new RegExp(`^${source}$`, `s${flags}`)
}
