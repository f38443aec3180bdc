import { ConfigurationError } from '../errors.ts'

type FitsCharacter = (character: string) => boolean

const ANY_RUN = Symbol('*')

type Token = FitsCharacter | typeof ANY_RUN

/**
 * A glob as Python's `fnmatch`, which Channels uses, reads it: `*` is anything, `?` one character, `[abc]` and `[a-c]`
 * one of these, `[!abc]` any other. There is no way to escape, but `[*]` is an asterisk, and a `[` that no `]` ends is itself.
 *
 * Matching takes steps in proportion to the lengths of pattern and text multiplied, however many asterisks there are:
 * as a regular expression, five of them on a name of 99 characters took half a minute.
 */
export class Glob {
  readonly #tokens: readonly Token[]

  /** @throws {@link ConfigurationError} if `pattern` has a range that is none, such as `[z-a]` */
  constructor(pattern: string) {
    this.#tokens = tokensOf(pattern)
  }

  /** Whether it fits the whole of `text`. */
  fits(text: string): boolean {
    let [at, token] = [0, 0]
    // After the last asterisk so far, and how far that one reaches: what came before it needs no second look.
    let [resumeToken, resumeAt] = [-1, 0]
    while (at < text.length) {
      const expected = this.#tokens[token]
      if (expected === ANY_RUN) {
        token += 1
        ;[resumeToken, resumeAt] = [token, at]
      } else if (expected?.(text.charAt(at))) {
        token += 1
        at += 1
      } else if (resumeToken >= 0) {
        resumeAt += 1
        ;[token, at] = [resumeToken, resumeAt]
      } else return false
    }
    return this.#tokens.slice(token).every((rest) => rest === ANY_RUN)
  }
}

function tokensOf(pattern: string): readonly Token[] {
  const tokens: Token[] = []
  for (let at = 0; at < pattern.length; at += 1) {
    const character = pattern.charAt(at)
    const end = character === '[' ? endOfSet(pattern, at) : -1
    if (end >= 0) {
      tokens.push(setToken(pattern.slice(at + 1, end), pattern))
      at = end
    } else if (character === '*') {
      if (tokens.at(-1) !== ANY_RUN) tokens.push(ANY_RUN)
    } else tokens.push(character === '?' ? () => true : (other) => other === character)
  }
  return tokens
}

/** Where the `]` is that ends the set which begins at `start`; -1 if none does. The first character is never the end. */
function endOfSet(pattern: string, start: number): number {
  const first = pattern.charAt(start + 1) === '!' ? start + 2 : start + 1
  return pattern.indexOf(']', first + 1)
}

function setToken(set: string, pattern: string): FitsCharacter {
  const isNegated = set.startsWith('!')
  const ranges = rangesOf(isNegated ? set.slice(1) : set, pattern)
  return (character) => ranges.some(([low, high]) => low <= character && character <= high) !== isNegated
}

/** A single character is a range of its own; a hyphen at the start, at the end or behind a range is itself. */
function rangesOf(set: string, pattern: string): readonly (readonly [string, string])[] {
  const ranges: [string, string][] = []
  for (let at = 0; at < set.length; at += 1) {
    const low = set.charAt(at)
    const isRange = set.charAt(at + 1) === '-' && at + 2 < set.length
    const high = isRange ? set.charAt(at + 2) : low
    if (low > high) throw noRange(`${low}-${high}`, pattern)
    ranges.push([low, high])
    if (isRange) at += 2
  }
  return ranges
}

function noRange(range: string, pattern: string): ConfigurationError {
  return new ConfigurationError(
    `channelCapacity has the pattern ${JSON.stringify(pattern)}, which is no glob: its range ${range} ends before it begins; use *, ?, [abc], [a-c] and [!abc]`,
  )
}
