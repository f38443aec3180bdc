import { existsSync } from 'node:fs'

/** One sentence on why the module at `file` could not be imported, with the place in the sources where Node tells one. */
export function loadFailure(file: string, error: unknown): string {
  return `cannot load ${file}: ${existsSync(file) ? causeOf(error) : 'it does not exist'}`
}

function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const lines = (error.stack ?? '').split('\n')
  const place = syntaxPlace(lines) ?? throwPlace(lines)
  return `${error.name}${place === undefined ? '' : ` at ${place}`}: ${error.message.trim()}`
}

/** Of a syntax error, Node puts the place in front of the stack. */
function syntaxPlace([first = '']: readonly string[]): string | undefined {
  return /^(?:file:\/\/)?(\S+:\d+)$/.exec(first)?.[1]
}

/** The first frame that is in a file: above it are only Node's own. */
function throwPlace(lines: readonly string[]): string | undefined {
  for (const line of lines) {
    // `?version=1` is how a module is loaded anew.
    const [, file, position] = /^ {4}at .*?(?:file:\/\/)(\/[^?]+?)(?:\?[^:]*)?:(\d+:\d+)\)?$/.exec(line) ?? []
    if (file !== undefined) return `${file}:${position}`
  }
  return undefined
}
