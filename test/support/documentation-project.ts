import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { blockFile, type CodeBlock } from './documentation.ts'
import { binary, root } from './repository.ts'

const run = promisify(execFile)

/** A reader's project: a folder of its own, with the code blocks of some pages and the packages they import. */
export class DocumentationProject implements AsyncDisposable {
  readonly folder: string

  constructor(folder: string) {
    this.folder = folder
  }

  /** Makes the project; `linkPackage` puts `lambda-channels` into its `node_modules`. */
  static async create(linkPackage: (folder: string) => Promise<void>): Promise<DocumentationProject> {
    const project = new DocumentationProject(await mkdtemp(join(tmpdir(), 'lambda-channels-reader-')))
    await writeJson(join(project.folder, 'package.json'), { name: 'reader', private: true, type: 'module' })
    await writeJson(join(project.folder, 'tsconfig.json'), tsconfig)
    await linkDependencies(join(project.folder, 'node_modules'))
    await linkPackage(project.folder)
    return project
  }

  /** Writes each `ts` block to its file. */
  async write(blocks: readonly CodeBlock[]): Promise<void> {
    for (const block of blocks.filter(({ language }) => language === 'ts')) {
      const path = join(this.folder, blockFile(block))
      await mkdir(dirname(path), { recursive: true })
      // Without this a block that neither imports nor exports would share its names with all others.
      await writeFile(path, `${block.code}export {}\n`)
    }
  }

  /** What the compiler says, one line each. */
  async compile(): Promise<readonly string[]> {
    try {
      await run(binary('tsc'), ['--pretty', 'false', '-p', '.'], { cwd: this.folder })
      return []
    } catch (error) {
      return outputOf(error)
        .split('\n')
        .filter((line) => line.includes('error TS'))
    }
  }

  /** Runs the block's file to its end. Resolves to what it printed; rejects if it fails or takes a minute. */
  async run(block: CodeBlock): Promise<string> {
    const { stdout } = await run(process.execPath, [blockFile(block)], { cwd: this.folder, timeout: 60_000 })
    return stdout
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true })
  }
}

/** Puts this repository's own sources into the project as the package: same subpaths, no build. */
export async function linkSources(
  exportedSources: ReadonlyMap<string, string>,
  folder: string,
): Promise<void> {
  const packageFolder = join(folder, '.package')
  await mkdir(packageFolder)
  await symlink(root, join(packageFolder, 'source'))
  const targets = [...exportedSources].map(([subpath, source]) => [subpath, `./source/${source}`])
  await writeJson(join(packageFolder, 'package.json'), {
    name: 'lambda-channels',
    type: 'module',
    exports: Object.fromEntries(targets),
  })
  await symlink(packageFolder, join(folder, 'node_modules', 'lambda-channels'))
}

/** What a careful reader's tsconfig says. */
const tsconfig = {
  compilerOptions: {
    target: 'es2024',
    lib: ['es2024', 'esnext.disposable', 'dom'],
    module: 'nodenext',
    types: ['node'],
    noEmit: true,
    strict: true,
    noUncheckedIndexedAccess: true,
    noImplicitOverride: true,
    erasableSyntaxOnly: true,
    allowImportingTsExtensions: true,
    skipLibCheck: true,
  },
  include: ['*/*.ts'],
}

/** Every installed package, so that a block may import the peers it names. */
async function linkDependencies(target: string): Promise<void> {
  const source = join(root, 'node_modules')
  await mkdir(target)
  for (const name of await readdir(source)) {
    if (!name.startsWith('.')) await symlink(join(source, name), join(target, name))
  }
}

async function writeJson(path: string, value: object): Promise<void> {
  await writeFile(path, `${JSON.stringify(value, undefined, 2)}\n`)
}

function outputOf(error: unknown): string {
  if (error instanceof Error && 'stdout' in error && typeof error.stdout === 'string') return error.stdout
  throw error
}
