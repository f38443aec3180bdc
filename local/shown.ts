const LONGEST = 200

/** Text that comes from a client, so that it stays on its line, works no terminal and is not too long. */
export function shownText(text: string): string {
  return cut(text, (part) => part.replaceAll(/[\p{C}\u2028\u2029]/gu, encodeURIComponent))
}

/** A decoded path, as an address shows it. */
export function shownPath(path: string): string {
  return cut(path, encodeURI)
}

/** The path of a request's URL, and of its query `path` only: others may hold secrets. */
export function shownUrl(url: string): string {
  const mark = url.indexOf('?')
  if (mark === -1) return cut(url, withoutControls)
  const path = new URLSearchParams(url.slice(mark + 1)).get('path')
  const query = path === null ? '?…' : `?path=${shownPath(path)}`
  return cut(url.slice(0, mark), withoutControls) + query
}

// It is encoded already, so its percent signs stay.
function withoutControls(part: string): string {
  return part.replaceAll(/[^!-~]/g, encodeURIComponent)
}

function cut(text: string, show: (part: string) => string): string {
  const shown = show(text.slice(0, LONGEST).toWellFormed())
  return text.length > LONGEST ? `${shown}…` : shown
}
