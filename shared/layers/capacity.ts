import { ConfigurationError } from '../errors.ts'

const DEFAULT_CAPACITY = 100

/** How many messages channels take whose name fits a pattern, in Channels' words `channel_capacity`. */
export type ChannelCapacity = readonly [pattern: string | RegExp, capacity: number]

interface Rule {
  readonly matches: (channelName: string) => boolean
  readonly capacity: number
}

/** How many messages each channel takes. */
export class Capacities {
  readonly #byDefault: number
  readonly #rules: readonly Rule[]

  /**
   * @param byDefault - where no pattern fits; 100 if it is not given
   * @param byPattern - the first pattern that fits decides. A text is a glob for the whole name: `*` is anything, `?` one
   *   character, `[abc]` and `[a-c]` one of these, `[!abc]` any other. A `RegExp` may fit anywhere in the name.
   * @throws {@link ConfigurationError} if a capacity is no whole number from 1 up, or a pattern is none
   */
  constructor(byDefault: number = DEFAULT_CAPACITY, byPattern: Iterable<ChannelCapacity> = []) {
    this.#byDefault = requireCapacity(byDefault, 'capacity')
    this.#rules = Array.from(byPattern, ([pattern, capacity]) => ({
      matches: matcher(pattern),
      capacity: requireCapacity(capacity, `channelCapacity of ${shown(pattern)}`),
    }))
  }

  /** How many messages the channel takes. */
  of(channelName: string): number {
    return this.#rules.find(({ matches }) => matches(channelName))?.capacity ?? this.#byDefault
  }
}

function requireCapacity(capacity: number, what: string): number {
  if (Number.isSafeInteger(capacity) && capacity >= 1) return capacity
  throw new ConfigurationError(
    `${what} is ${String(capacity)}: set it to a whole number of messages, 1 or more`,
  )
}

function matcher(pattern: string | RegExp): Rule['matches'] {
  if (typeof pattern !== 'string' && !(pattern instanceof RegExp)) {
    throw new ConfigurationError(
      `channelCapacity has a ${typeof pattern} as a pattern: give [pattern, capacity] pairs, with a glob or a RegExp as the pattern`,
    )
  }
  // A copy, whose lastIndex is nobody else's: one with the flag g or y goes on where it was.
  const expression = typeof pattern === 'string' ? globExpression(pattern) : new RegExp(pattern)
  return (channelName) => {
    expression.lastIndex = 0
    return expression.test(channelName)
  }
}

/** As Python's `fnmatch`, which Channels uses: there is no way to escape, but `[*]` is an asterisk. */
function globExpression(glob: string): RegExp {
  const source = glob.replace(
    /\*+|\?|\[(!|(?!!))(\][^\]]*|[^\]]+)\]|[^*?[]|\[/g,
    (part, not: string, set: string) => {
      if (part.startsWith('*')) return '.*'
      if (part === '?') return '.'
      if (set === undefined) return part.replace(/[\\^$.*+?()[\]{}|/]/, String.raw`\$&`)
      return `[${not === '!' ? '^' : ''}${set.replaceAll(/[\\[\]^]/g, String.raw`\$&`)}]`
    },
  )
  try {
    return new RegExp(`^${source}$`, 's')
  } catch (error) {
    throw new ConfigurationError(
      `channelCapacity has the pattern ${shown(glob)}, which is no glob: use *, ?, [abc], [a-c] and [!abc]`,
      { cause: error },
    )
  }
}

function shown(pattern: string | RegExp): string {
  return typeof pattern === 'string' ? JSON.stringify(pattern) : String(pattern)
}
