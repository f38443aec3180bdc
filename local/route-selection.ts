/** Finds the route of one message body. */
export type RouteSelector = (body: string) => string | undefined

const RESERVED = new Set(['$connect', '$disconnect', '$default'])

/**
 * Makes the selector for `expression` over the custom `routeKeys`; `undefined` from it means: the default route.
 *
 * Follows API Gateway's rules: JSON text only; `$request.body.a.b` or any text with `${request.body.a}` in it;
 * a missing path gives `''`; a value that is not a string is stringified; exact, case-sensitive match.
 * A client's value never selects `$connect` or `$disconnect`.
 */
export function routeSelector(expression: string, routeKeys: Iterable<string>): RouteSelector {
  const keys = new Set([...routeKeys].filter((key) => !RESERVED.has(key)))
  if (keys.size === 0) return () => undefined
  return (body) => {
    const content = parse(body)
    if (content === undefined) return undefined
    const key = evaluate(expression, content)
    return keys.has(key) ? key : undefined
  }
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body) as unknown
  } catch {
    // Not JSON: API Gateway does not evaluate the expression, the default route gets it.
    return undefined
  }
}

function evaluate(expression: string, content: unknown): string {
  const whole = /^\$request\.body\.([\w.-]+)$/.exec(expression)
  if (whole) return textAt(content, whole[1] ?? '')
  return expression.replaceAll(/\\\$|\$\{request\.body\.([\w.-]+)\}/g, (match, path: string | undefined) =>
    path === undefined ? match.slice(1) : textAt(content, path),
  )
}

function textAt(content: unknown, path: string): string {
  let value = content
  for (const key of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return ''
    value = (value as Record<string, unknown>)[key]
  }
  return stringify(value)
}

function stringify(value: unknown): string {
  if (typeof value === 'string') return value
  if (Array.isArray(value)) return `[${value.map(stringify).join(', ')}]`
  return value === undefined ? '' : JSON.stringify(value)
}
