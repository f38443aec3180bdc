import { type FSWatcher, watch } from 'node:fs'
import { join } from 'node:path'

/** Options of {@link watchSources}. */
export interface WatchOptions {
  readonly folders: readonly string[]
  /** Is told the changed files, each once, when there has been no change for `quietMs`. */
  readonly onChange: (files: readonly string[]) => void
  /** Is told when watching itself breaks, as when the system has no watches left. */
  readonly onError: (error: Error) => void
  /** Default 50. An editor writes a file in several steps, and a checkout writes many. */
  readonly quietMs?: number
}

/** A running watch. */
export interface SourceWatch {
  close(): void
}

/**
 * Watches the TypeScript sources below `folders`.
 *
 * What a page is made of is not watched: it is read anew for every request.
 */
export function watchSources(options: WatchOptions): SourceWatch {
  const { folders, onChange, onError, quietMs = 50 } = options
  const changed = new Set<string>()
  let timer: NodeJS.Timeout | undefined

  const flush = (): void => {
    const files = [...changed]
    changed.clear()
    onChange(files)
  }
  const note = (file: string): void => {
    changed.add(file)
    clearTimeout(timer)
    timer = setTimeout(flush, quietMs)
  }
  const watchers = folders.map((folder) => watchFolder(folder, note, onError))

  return {
    close() {
      clearTimeout(timer)
      for (const watcher of watchers) watcher.close()
    },
  }
}

function watchFolder(
  folder: string,
  note: (file: string) => void,
  onError: (error: Error) => void,
): FSWatcher {
  const watcher = watch(folder, { recursive: true }, (_event, name) => {
    if (name !== null && isSource(name)) note(join(folder, name))
  })
  return watcher.on('error', onError)
}

function isSource(name: string): boolean {
  return /(^|[/\\])[^./\\][^/\\]*\.ts$/.test(name) && !name.includes('node_modules')
}
