/**
 * Turns one part of a path into a value: `<year:when>` in a path pattern.
 *
 * @example
 * ```ts
 * const path = createPath({ year: { regex: /[0-9]{4}/, toValue: Number } })
 * path('archive/<year:when>/', ArchiveConsumer.asApplication()) // kwargs.when is a number
 * ```
 */
export interface Converter<Value> {
  /** What the part looks like; no anchors, no flags. */
  readonly regex: RegExp
  /** The value for `text`, which `regex` matches. Returning `undefined`, or throwing, is no match. */
  readonly toValue: (text: string) => Value | undefined
}

/** The converters that every path pattern knows. */
export interface BuiltInConverters {
  /** One or more digits, up to 9007199254740991; a larger one is no match, as a number could not tell it apart. */
  readonly int: Converter<number>
  /** Anything but a slash. The one that `<name>` without a converter means. */
  readonly str: Converter<string>
  /** ASCII letters, digits, `-` and `_`. */
  readonly slug: Converter<string>
  /** A UUID in lower case. */
  readonly uuid: Converter<string>
  /** Anything, slashes included. */
  readonly path: Converter<string>
}

export const builtInConverters: BuiltInConverters = {
  int: { regex: /[0-9]+/, toValue: safeInteger },
  str: { regex: /[^/]+/, toValue: unchanged },
  slug: { regex: /[-a-zA-Z0-9_]+/, toValue: unchanged },
  uuid: { regex: /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/, toValue: unchanged },
  path: { regex: /.+/, toValue: unchanged },
}

function unchanged(text: string): string {
  return text
}

function safeInteger(text: string): number | undefined {
  const value = Number(text)
  return Number.isSafeInteger(value) ? value : undefined
}
