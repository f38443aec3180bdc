/** Text that may come from a client, so that it stays on its line and works no terminal. */
export function plain(text: string): string {
  return text.toWellFormed().replaceAll(/[\p{C}\u2028\u2029]/gu, encodeURIComponent)
}

/** A table as lines: columns as wide as what is in them, nothing behind the last. */
export function tableLines(
  columns: readonly string[],
  rows: readonly (readonly string[])[],
): readonly string[] {
  const cells = [columns, ...rows.map((row) => row.map((cell) => plain(cell)))]
  const widths = columns.map((_, index) => Math.max(...cells.map((row) => row[index]?.length ?? 0)))
  return cells.map((row) =>
    row
      .map((cell, index) => cell.padEnd(widths[index] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}

/** JSON in which a client's text works no terminal either: JSON itself escapes only a part of the control characters. */
export function jsonText(value: unknown): string {
  // Not by code point: in JSON a character beyond the first 65 536 is two escapes.
  return JSON.stringify(value, undefined, 2).replaceAll(
    /[\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g,
    escaped,
  )
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}

/** How long something is ago: `12s`, `5m`, `1h 20m`. */
export function age(thenMs: number, nowMs: number): string {
  const seconds = Math.max(0, Math.floor((nowMs - thenMs) / 1_000))
  if (seconds < 60) return `${seconds}s`
  const minutes = Math.floor(seconds / 60)
  return minutes < 60 ? `${minutes}m` : `${Math.floor(minutes / 60)}h ${minutes % 60}m`
}
