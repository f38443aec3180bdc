import { createHash } from 'node:crypto'
import { InvalidNameError } from './errors.ts'
import { MAX_NAME_LENGTH } from './limits.ts'

const GROUP_NAME = /^[a-zA-Z0-9\-_.]{1,99}$/
const CHANNEL_NAME = /^[a-zA-Z0-9\-_.]+(?:![a-zA-Z0-9\-_.]*|={0,2})$/
const READABLE_PART = /^[a-zA-Z0-9\-_]+$/
const GROUP_PREFIX = /^[a-zA-Z0-9-]{1,40}$/

/**
 * Returns `name` if it is a group name: 1 to 99 ASCII letters, digits, `-`, `_` and `.`, as in Channels.
 *
 * @throws {@link InvalidNameError} with the name, the rule and the first bad character
 */
export function requireGroupName(name: string): string {
  if (typeof name === 'string' && GROUP_NAME.test(name)) return name
  throw invalidName(
    'group',
    name,
    'use 1 to 99 letters, digits, "-", "_" and "."; groupName() makes a safe one',
  )
}

/**
 * Returns `name` if it is a channel name: a group name that may end in `=` (an API Gateway connection id is
 * one as it stands) or carry one `!` before a process-local part, 99 characters at most.
 *
 * @throws {@link InvalidNameError} with the name, the rule and the first bad character
 */
export function requireChannelName(name: string): string {
  if (typeof name === 'string' && name.length <= MAX_NAME_LENGTH && CHANNEL_NAME.test(name)) return name
  throw invalidName('channel', name, 'use a connection id, or 1 to 99 letters, digits, "-", "_" and "."')
}

/**
 * Returns `name` if it can be the name of a worker channel: 1 to 99 ASCII letters, digits, `-`, `_` and `.`. Neither a
 * connection id nor a channel of `newChannel` is one.
 *
 * @throws {@link InvalidNameError} with the name, the rule and the first bad character
 */
export function requireWorkerChannelName(name: string): string {
  if (typeof name === 'string' && canBeWorkerChannel(name)) return name
  throw invalidName('worker channel', name, 'use 1 to 99 letters, digits, "-", "_" and "."')
}

/**
 * Whether a worker channel could be called `name`. A connection id could not: all that API Gateway was ever seen to make
 * end in `=`, though AWS promises nothing.
 */
export function canBeWorkerChannel(name: string): boolean {
  return GROUP_NAME.test(name)
}

/**
 * Makes a group name out of `prefix` and anything, user input included: two different pairs never give the
 * same name (which is why a prefix has no `_`).
 *
 * Letters, digits, `-` and `_` stay as they are: `groupName('chat', 'lobby')` is `chat_lobby`. Anything else
 * becomes the readable start of the input, a `.` and 22 characters of its SHA-256.
 *
 * @throws {@link InvalidNameError} if `prefix` is not 1 to 40 letters, digits and `-`
 */
export function groupName(prefix: string, input: string | number): string {
  if (typeof prefix !== 'string' || !GROUP_PREFIX.test(prefix)) {
    throw invalidName('group prefix', prefix, 'use 1 to 40 letters, digits and "-"')
  }
  const text = String(input)
  const plain = `${prefix}_${text}`
  if (READABLE_PART.test(text) && plain.length <= MAX_NAME_LENGTH) return plain
  const readable = text.replaceAll(/[^a-zA-Z0-9\-_]+/g, '-').slice(0, 30)
  // Lone surrogates would all hash as U+FFFD, so the hash is taken over UTF-16 code units.
  const digest = createHash('sha256').update(Buffer.from(text, 'utf16le')).digest('base64url').slice(0, 22)
  return `${prefix}_${readable}.${digest}`
}

function invalidName(kind: string, name: unknown, rule: string): InvalidNameError {
  if (typeof name !== 'string')
    return new InvalidNameError(`${kind} name is a ${typeof name}, not a string: ${rule}`)
  if (name === '') return new InvalidNameError(`${kind} name is empty: ${rule}`)
  const shown = JSON.stringify(name.length > 120 ? `${name.slice(0, 120)}…` : name)
  const position = name.search(kind === 'group prefix' ? /[^a-zA-Z0-9-]/ : /[^a-zA-Z0-9\-_.]/)
  if (position === -1 || (kind === 'channel' && name.length > MAX_NAME_LENGTH)) {
    return new InvalidNameError(`${kind} name ${shown} has ${name.length} characters: ${rule}`)
  }
  const character = JSON.stringify(String.fromCodePoint(name.codePointAt(position) ?? 0))
  return new InvalidNameError(`${kind} name ${shown} has ${character} at ${position}: ${rule}`)
}
