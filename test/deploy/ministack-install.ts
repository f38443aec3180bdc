import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { access, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { root } from '../support/repository.ts'
import { UsageError } from './options.ts'

const requirements = join(import.meta.dirname, 'requirements.txt')

/**
 * The MiniStack that requirements.txt names, in a virtual environment of its own in node_modules/.cache. It is made when
 * it is not there, and kept for the next time.
 *
 * @returns the path of the command
 * @throws UsageError if Python is missing, or pip fails
 */
export async function installMiniStack(): Promise<string> {
  const wanted = createHash('sha256')
    .update(await readFile(requirements))
    .digest('hex')
    .slice(0, 12)
  const folder = join(root, 'node_modules', '.cache', `ministack-${wanted}`)
  // Written last: without it, an installation was cut short.
  const mark = join(folder, 'complete')
  if (!(await exists(mark))) {
    await rm(folder, { recursive: true, force: true })
    await install(folder)
    await writeFile(mark, '')
  }
  return join(folder, 'bin', 'ministack')
}

async function install(folder: string): Promise<void> {
  process.stdout.write('installing MiniStack (once)\n')
  await runPython('python3', ['-m', 'venv', folder], 'install python3 and, on Debian, python3-venv')
  const pip = [
    '-m',
    'pip',
    'install',
    '--quiet',
    '--disable-pip-version-check',
    '--requirement',
    requirements,
  ]
  await runPython(join(folder, 'bin', 'python3'), pip, 'it needs a package index, PyPI or another')
}

async function runPython(python: string, args: readonly string[], advice: string): Promise<void> {
  try {
    await promisify(execFile)(python, args)
  } catch (error) {
    const { stdout = '', stderr = '', message } = error as Error & { stdout?: string; stderr?: string }
    const output = `${stdout}${stderr}`.trim() || message
    throw new UsageError(
      `MiniStack could not be installed: ${advice}, or name an emulator that runs with --endpoint\n${output}`,
      { cause: error },
    )
  }
}

async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  )
}
