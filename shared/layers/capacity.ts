import { ConfigurationError } from '../errors.ts'
import { requireWholeNumber } from '../whole-number.ts'
import { Glob } from './glob.ts'

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
    this.#byDefault = requireWholeNumber(byDefault, 'capacity')
    this.#rules = Array.from(byPattern, ([pattern, capacity]) => ({
      matches: matcher(pattern),
      capacity: requireWholeNumber(capacity, `channelCapacity of ${shown(pattern)}`),
    }))
  }

  /** How many messages the channel takes. */
  of(channelName: string): number {
    return this.#rules.find(({ matches }) => matches(channelName))?.capacity ?? this.#byDefault
  }
}

function matcher(pattern: string | RegExp): Rule['matches'] {
  if (typeof pattern !== 'string' && !(pattern instanceof RegExp)) {
    throw new ConfigurationError(
      `channelCapacity has a ${typeof pattern} as a pattern: give [pattern, capacity] pairs, with a glob or a RegExp as the pattern`,
    )
  }
  if (typeof pattern === 'string') {
    const glob = new Glob(pattern)
    return (channelName) => glob.fits(channelName)
  }
  // A copy, whose lastIndex is nobody else's: one with the flag g or y goes on where it was.
  const expression = new RegExp(pattern)
  return (channelName) => {
    expression.lastIndex = 0
    return expression.test(channelName)
  }
}

function shown(pattern: string | RegExp): string {
  return typeof pattern === 'string' ? JSON.stringify(pattern) : String(pattern)
}
