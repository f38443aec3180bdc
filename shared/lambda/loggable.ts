import { types } from 'node:util'

/**
 * What a log shows of an error. All else stays out of it, for errors of clients carry what they were at: ioredis the
 * arguments of the command, HTTP clients the headers of the request, `jose` the claims of the token.
 */
const ERROR_FIELDS = [
  'name',
  'code',
  'status',
  'retryable',
  'refused',
  'channelName',
  'capacity',
  // Of the AWS SDK: the request id, the status, and how often it tried.
  '$metadata',
  'message',
  'stack',
] as const

/** What stands behind it: the errors among that. `jose` has claims there, too. */
const CAUSES = ['cause', 'errors'] as const

/** How deep details are followed: more is no line that anybody reads. */
const MAX_DEPTH = 12

const UNREADABLE = '[unreadable]'

/**
 * `value` as a log may show it, and JSON can say it: of errors the fields that are known to be harmless, with their causes;
 * of bytes their number. Never throws: a log line must not fail an event.
 *
 * @param within - the objects that it is in, from the outermost on
 */
export function loggable(value: unknown, within: readonly object[] = []): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (within.includes(value)) return '[circular]'
  if (within.length >= MAX_DEPTH) return '[deeper]'
  try {
    return copyOf(value, [...within, value])
  } catch {
    return UNREADABLE
  }
}

/** Says whether `value` is an error, also if it comes from another realm, or cannot be looked at. */
export function isError(value: unknown): value is Error {
  try {
    return types.isNativeError(value) || value instanceof Error
  } catch {
    return false
  }
}

function copyOf(value: object, within: readonly object[]): unknown {
  const copy = (inner: unknown): unknown => loggable(inner, within)
  if (ArrayBuffer.isView(value) || types.isAnyArrayBuffer(value)) return `[${value.byteLength} bytes]`
  if (isError(value)) {
    return {
      ...fieldsOf(value, { names: namesIn(value, ERROR_FIELDS), copy }),
      ...fieldsOf(value, { names: namesIn(value, CAUSES), copy: (cause) => causeOf(cause, copy) }),
    }
  }
  if (Array.isArray(value)) return value.map(copy)
  const { toJSON } = value as { readonly toJSON?: unknown }
  if (typeof toJSON === 'function') return copy(toJSON.call(value))
  return fieldsOf(value, { names: Object.keys(value), copy })
}

function causeOf(cause: unknown, copy: (value: unknown) => unknown): unknown {
  if (Array.isArray(cause)) return cause.map((each) => causeOf(each, copy))
  return isError(cause) || Object(cause) !== cause ? copy(cause) : '[no error]'
}

function namesIn(owner: object, names: readonly string[]): readonly string[] {
  return names.filter((name) => name in owner)
}

/** Copies of these fields. A getter that throws costs its own field, and no other. */
function fieldsOf(
  owner: object,
  { names, copy }: { readonly names: readonly string[]; readonly copy: (value: unknown) => unknown },
): object {
  const fieldOf = (name: string): unknown => {
    try {
      return copy(Reflect.get(owner, name))
    } catch {
      return UNREADABLE
    }
  }
  return Object.fromEntries(names.map((name) => [name, fieldOf(name)]))
}
