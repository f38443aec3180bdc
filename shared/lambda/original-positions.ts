import { readFileSync } from 'node:fs'
import { type SourceMapPayload, SourceMap } from 'node:module'
import { fileURLToPath } from 'node:url'

/** Of a stack trace: `file:///var/task/index.mjs:1:2345`. */
const POSITION = /(file:\/\/[^\s()]+\.m?js):(\d+):(\d+)/g

/** By file; undefined where there is none. */
const maps = new Map<string, SourceMap | undefined>()

/**
 * The stack trace with the positions in the sources, by the source map beside each bundled file.
 *
 * Node does the same with `--enable-source-maps`, but makes every cold start pay for it with some 10 ms; this reads a map
 * when there is an error to show, and once.
 */
export function withOriginalPositions(stack: string): string {
  return stack.replaceAll(POSITION, (position: string, ...[file = '', line, column]: string[]) => {
    const origin = mapOf(file)?.findOrigin(Number(line), Number(column))
    if (origin === undefined || !('fileName' in origin)) return position
    return `${origin.fileName.replace(/^(?:\.\.\/)+/, '')}:${origin.lineNumber}:${origin.columnNumber}`
  })
}

function mapOf(file: string): SourceMap | undefined {
  if (!maps.has(file)) maps.set(file, readMap(`${file}.map`))
  return maps.get(file)
}

/** A trace without sources is better than none: whatever is wrong with a map, positions stay as they are. */
function readMap(url: string): SourceMap | undefined {
  try {
    return new SourceMap(JSON.parse(readFileSync(fileURLToPath(url), 'utf8')) as SourceMapPayload)
  } catch {
    return undefined
  }
}
