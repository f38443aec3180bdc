import { execFile } from 'node:child_process'
import { access, readFile, readdir } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { promisify } from 'node:util'

/** The top folder of this repository. */
export const root: string = join(import.meta.dirname, '..', '..')

/** Folders that hold TypeScript of ours. */
const SOURCE_FOLDERS = ['shared', 'local', 'cli', 'functions', 'examples', 'test', 'bench']

/** The path of an installed command. */
export function binary(name: string): string {
  return join(root, 'node_modules', '.bin', name)
}

/** All TypeScript files by path relative to the repository, with their text. */
export async function readSources(
  folders: readonly string[] = SOURCE_FOLDERS,
): Promise<ReadonlyMap<string, string>> {
  const paths = await Promise.all(folders.map((folder) => listFiles(folder)))
  const sources = paths.flat().filter((path) => path.endsWith('.ts'))
  return new Map(await Promise.all(sources.map(async (path) => [path, await readText(path)] as const)))
}

/** The text of a file, by its path relative to the repository. */
export async function readText(path: string): Promise<string> {
  return await readFile(join(root, path), 'utf8')
}

/** Says whether the repository has this file or folder. */
export async function exists(path: string): Promise<boolean> {
  return await access(join(root, path)).then(
    () => true,
    () => false,
  )
}

/** The source file behind each public subpath of package.json: `./gateway` → `shared/gateway/index.ts`. */
export async function readExportedSources(): Promise<ReadonlyMap<string, string>> {
  const { exports } = JSON.parse(await readText('package.json')) as { exports: Record<string, string> }
  const modules = Object.entries(exports).filter(([, target]) => target.endsWith('.js'))
  return new Map(
    modules.map(([subpath, target]) => [subpath, target.replace('./dist/', '').replace(/\.js$/, '.ts')]),
  )
}

/**
 * The files that git would publish: tracked, or new and not ignored. In an export without `.git`, all files
 * outside of what .gitignore names.
 */
export async function publishedFiles(): Promise<readonly string[]> {
  const inGit = ['ls-files', '--cached', '--others', '--exclude-standard', '-z']
  try {
    const { stdout } = await promisify(execFile)('git', inGit, { cwd: root, maxBuffer: 64 * 1024 * 1024 })
    return stdout.split('\0').filter((path) => path !== '')
  } catch {
    const ignored = new Set(['node_modules', 'dist', 'coverage', '.git'])
    const top = (await readdir(root)).filter((name) => !ignored.has(name) && !name.endsWith('.tgz'))
    return (await Promise.all(top.map((name) => listFiles(name)))).flat()
  }
}

async function listFiles(path: string): Promise<readonly string[]> {
  if (!(await exists(path))) return []
  const entries = await readdir(join(root, path), { recursive: true, withFileTypes: true }).catch(
    () => undefined,
  )
  if (entries === undefined) return [path]
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
}
