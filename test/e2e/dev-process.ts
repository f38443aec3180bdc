import { join } from 'node:path'
import { root } from '../support/repository.ts'
import { Spawned, type SpawnOptions } from './spawned.ts'

/** A running dev command. */
export interface DevProcess extends AsyncDisposable {
  readonly process: Spawned
  /** `http://127.0.0.1:{port}` */
  readonly url: string
  readonly port: string
  /** The same as a socket address: `ws://127.0.0.1:{port}`. */
  readonly socketUrl: string
}

/** Options of {@link runDev}. */
export interface DevProcessOptions extends SpawnOptions {
  /** The repository to run it from; default this one. */
  readonly root?: string
}

/** Runs `node local/dev.ts` with `args`, as `npm run dev -- …` does, without waiting for anything. */
export function runDev(args: readonly string[], options: DevProcessOptions = {}): Spawned {
  return new Spawned(process.execPath, [join(options.root ?? root, 'local', 'dev.ts'), ...args], options)
}

/** Runs the dev command until it is ready. */
export async function startDev(
  args: readonly string[] = ['--port', '0'],
  options: DevProcessOptions = {},
): Promise<DevProcess> {
  const process = runDev(args, options)
  try {
    const [, url = '', port = ''] = await process.waitFor(/^ready (http:\/\/[\w.]+:(\d+))$/m)
    const socketUrl = url.replace('http:', 'ws:')
    return { process, url, port, socketUrl, [Symbol.asyncDispose]: () => process[Symbol.asyncDispose]() }
  } catch (error) {
    await process[Symbol.asyncDispose]()
    throw error
  }
}
