import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { root } from '../support/repository.ts'

const COPIED = ['cli', 'local', 'shared', 'examples', 'functions', 'package.json']

/** A copy of this repository to edit, with its own files where a test wants others. */
export interface ScratchRepository extends AsyncDisposable {
  readonly root: string
  write(files: Readonly<Record<string, string>>): Promise<void>
}

/** Copies the sources into a temporary folder, and puts `files` (text by path) over them. */
export async function scratchRepository(
  files: Readonly<Record<string, string>> = {},
): Promise<ScratchRepository> {
  const copy = await mkdtemp(join(tmpdir(), 'lambda-channels-'))
  const repository: ScratchRepository = {
    root: copy,
    async write(texts) {
      for (const [path, text] of Object.entries(texts)) {
        await mkdir(dirname(join(copy, path)), { recursive: true })
        await writeFile(join(copy, path), text)
      }
    },
    [Symbol.asyncDispose]: () => rm(copy, { recursive: true, force: true }),
  }
  for (const path of COPIED) await cp(join(root, path), join(copy, path), { recursive: true })
  await symlink(join(root, 'node_modules'), join(copy, 'node_modules'), 'dir')
  await repository.write(files)
  return repository
}
