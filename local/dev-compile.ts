import { existsSync } from 'node:fs'
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, type BuildFailure, type Message } from 'esbuild'
import { ConfigurationError } from '../shared/errors.ts'

/**
 * Checks that `entries`, and all of ours they import, can be parsed and found. Types are not checked.
 *
 * @throws {@link ConfigurationError} in one sentence with the file, the line and the cause of the first failure
 */
export async function requireCompilable(entries: readonly URL[], root: URL): Promise<void> {
  const folder = fileURLToPath(root)
  const missing = entries.map((entry) => fileURLToPath(entry)).find((file) => !existsSync(file))
  if (missing !== undefined) throw new ConfigurationError(`${relative(folder, missing)} does not exist`)
  try {
    await build({
      entryPoints: entries.map((entry) => fileURLToPath(entry)),
      absWorkingDir: folder,
      outdir: folder,
      bundle: true,
      write: false,
      platform: 'node',
      format: 'esm',
      packages: 'external',
      logLevel: 'silent',
    })
  } catch (error) {
    const [first, ...others] = (error as Partial<BuildFailure>).errors ?? []
    if (!first) throw error
    const more = others.length > 0 ? ` (and ${others.length} more)` : ''
    throw new ConfigurationError(`${sentence(first, folder)}${more}`, { cause: error })
  }
}

function sentence({ location, text }: Message, folder: string): string {
  if (!location) return `does not compile: ${text}`
  const file = relative(folder, new URL(location.file, `file://${folder}`).pathname)
  return `${file}:${location.line}:${location.column + 1} does not compile: ${text}`
}
