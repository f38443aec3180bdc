import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { Spawned } from '../e2e/spawned.ts'
import { binary, root } from './repository.ts'

const run = promisify(execFile)

/** What `npx` runs, by name, and with which environment variables: without these, the CDK would look for notices. */
const TOOLS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  tsc: {},
  cdk: { CDK_NOTICES: 'false', CDK_DISABLE_CLI_TELEMETRY: 'true' },
}

/** A server that was started, until it is disposed of. */
export type Server = Spawned & { readonly url: string }

/**
 * Somebody in an empty folder who types what the documentation says. Nothing is downloaded: `npm i` takes
 * `lambda-channels` from a packed folder, and everything else from the packages installed here.
 */
export class Stranger implements AsyncDisposable {
  readonly folder: string
  readonly #packed: string

  constructor(folder: string, packed: string) {
    this.folder = folder
    this.#packed = packed
  }

  /** An empty folder. `packed` is the unpacked tarball of this package. */
  static async arrive(packed: string): Promise<Stranger> {
    return new Stranger(await mkdtemp(join(tmpdir(), 'lambda-channels-stranger-')), packed)
  }

  async write(file: string, text: string): Promise<void> {
    await mkdir(dirname(join(this.folder, file)), { recursive: true })
    await writeFile(join(this.folder, file), text)
  }

  /** Starts a server, on any free port. Resolves when it has said under which address it is open. */
  async serve(command: string): Promise<Server> {
    const [program = '', ...args] = command.trim().split(' ')
    if (program !== 'node') throw new Error(`nobody here knows "${command}": teach test/support/stranger.ts`)
    const server = new Spawned(process.execPath, args, { cwd: this.folder, env: { PORT: '0' } })
    const [, url = ''] = await server.waitFor(/open (http:\S+)\//)
    return Object.assign(server, { url })
  }

  /** Types the commands of a `sh` block. Rejects, with what it printed, if one fails. */
  async type(commands: string): Promise<void> {
    for (const command of commands.split(/\n|&&/).map((line) => line.trim())) {
      if (command !== '') await this.#execute(command.split(' '))
    }
  }

  async #execute([program = '', ...args]: readonly string[]): Promise<void> {
    const [first, ...rest] = args
    if (program === 'npm' && first === 'i') return await this.#install(rest.filter((name) => name !== '-D'))
    if (program === 'npm') return await this.#run('npm', args)
    if (program === 'node') return await this.#run(process.execPath, args)
    if (program === 'curl') return await this.#run('curl', ['--silent', '--show-error', '--fail', ...args])
    if (program === 'npx') return await this.#use(first ?? '', rest)
    throw new Error(`nobody here knows "${program} ${args.join(' ')}": teach test/support/stranger.ts`)
  }

  async #use(name: string, args: readonly string[]): Promise<void> {
    const env = TOOLS[name]
    if (env === undefined) throw new Error(`nobody here knows "npx ${name}": teach test/support/stranger.ts`)
    await this.#run(binary(name), args, env)
  }

  async #install(names: readonly string[]): Promise<void> {
    for (const name of names.map((spec) => spec.replace(/(?<=.)@\d.*$/, ''))) {
      const target = join(this.folder, 'node_modules', name)
      await mkdir(dirname(target), { recursive: true })
      if (name === 'lambda-channels') await cp(this.#packed, target, { recursive: true })
      else await symlink(join(root, 'node_modules', name), target)
    }
  }

  async #run(
    file: string,
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    const options = { cwd: this.folder, timeout: 60_000, env: { ...process.env, ...env } }
    await run(file, args, options).catch((error: unknown) => {
      const { stdout = '', stderr = '' } = error as { readonly stdout?: string; readonly stderr?: string }
      throw new Error(`${file} ${args.join(' ')} failed:\n${stdout}${stderr}`, { cause: error })
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true })
  }
}
