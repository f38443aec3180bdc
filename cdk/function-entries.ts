import { existsSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { ConfigurationError } from '../shared/errors.ts'

/** The functions that an application may have. */
export type FunctionName = 'websocket' | 'delivery' | 'http' | 'worker' | 'serial' | 'authorizer'

const EXTENSIONS = ['ts', 'mts', 'js', 'mjs']

/** The line that a module of the folder consists of, for who has not written it. */
const HANDLERS: Readonly<Record<FunctionName, string>> = {
  websocket: 'createWebsocketHandler(application, runtime)',
  delivery: 'createDeliveryHandler(application, runtime)',
  http: 'createHttpHandler(application, runtime)',
  worker: 'createWorkerHandler(application, runtime)',
  serial: 'createSerialHandler(application, runtime)',
  authorizer: 'async (event) => ({ principalId, policyDocument })',
}

export const FUNCTION_NAMES: readonly string[] = Object.keys(HANDLERS)

/** The folder of the modules that export the handlers, one for each function. */
export class FunctionEntries {
  readonly #folder: string

  /** @throws {@link ConfigurationError} if there is no such folder */
  constructor(folder: string) {
    if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) {
      throw new ConfigurationError(
        `functions is "${folder}": there is no such folder at ${resolve(folder)}; name the one with websocket.ts and delivery.ts, from the folder where cdk runs`,
      )
    }
    this.#folder = folder
  }

  has(name: FunctionName): boolean {
    return this.#find(name) !== undefined
  }

  /**
   * The module of `name`.
   *
   * @param why - it is needed: `ordering is "serial"`
   * @throws {@link ConfigurationError} if there is none
   */
  require(name: FunctionName, why: string): string {
    const path = this.#find(name)
    if (path !== undefined) return path
    throw new ConfigurationError(
      `${why}, and there is no ${name}.ts in the folder "${this.#folder}" of functions: add it, with "export const handler = ${HANDLERS[name]}"`,
    )
  }

  #find(name: FunctionName): string | undefined {
    return EXTENSIONS.map((extension) => join(this.#folder, `${name}.${extension}`)).find((path) =>
      existsSync(path),
    )
  }
}
