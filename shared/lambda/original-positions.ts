import { readdirSync, readFileSync } from 'node:fs'
import { type SourceMapPayload, SourceMap } from 'node:module'

/**
 * A line of a stack trace with a file in it: `    at send (file:///var/task/index.mjs:1:2345)`.
 *
 * A message stands above such lines, and may hold any text of a client. No part of this can match in two ways, so it takes
 * no longer than the text is long.
 */
const FRAME = /^( {4}at .*?)(file:\/\/[^\s():]+):(\d+):(\d+)/gm

/**
 * Positions in the sources for those in bundled files, by the source map beside each file.
 *
 * Node does the same with `--enable-source-maps`, but makes every cold start pay for it with some 10 ms; this reads a map
 * when there is an error to show, and once. Only maps of one folder are read, whatever files a trace names.
 */
export class OriginalPositions {
  readonly #folder: URL
  /** Of each map in the folder, by the URL of the file that it is for. */
  #maps: ReadonlyMap<string, LazyMap> | undefined

  /** @param folder - where the bundle is; its URL ends with a slash */
  constructor(folder: URL) {
    this.#folder = folder
  }

  /** `stack` with the positions in the sources, where they are known. */
  in(stack: string): string {
    return stack.replaceAll(FRAME, (frame: string, ...[before = '', file = '', line, column]: string[]) => {
      const origin = this.#mapOf(file)?.findOrigin(Number(line), Number(column))
      if (origin === undefined || !('fileName' in origin)) return frame
      const source = origin.fileName.replace(/^(?:\.\.\/)+/, '')
      return `${before}${source}:${origin.lineNumber}:${origin.columnNumber}`
    })
  }

  #mapOf(file: string): SourceMap | undefined {
    this.#maps ??= mapsIn(this.#folder)
    return this.#maps.get(file)?.()
  }
}

type LazyMap = () => SourceMap | undefined

/** A trace without sources is better than none: whatever is wrong with a folder or a map, positions stay as they are. */
function mapsIn(folder: URL): ReadonlyMap<string, LazyMap> {
  const names = unlessItFails(() => readdirSync(folder)) ?? []
  const maps = names
    .filter((name) => name.endsWith('.map'))
    .map((name) => new URL(encodeURIComponent(name), folder))
  return new Map(
    maps.map((map) => [map.href.slice(0, -'.map'.length), once(() => unlessItFails(() => readMap(map)))]),
  )
}

function readMap(map: URL): SourceMap {
  return new SourceMap(JSON.parse(readFileSync(map, 'utf8')) as SourceMapPayload)
}

function once<Value>(make: () => Value): () => Value {
  let made: { readonly value: Value } | undefined
  return () => (made ??= { value: make() }).value
}

function unlessItFails<Value>(attempt: () => Value): Value | undefined {
  try {
    return attempt()
  } catch {
    return undefined
  }
}
