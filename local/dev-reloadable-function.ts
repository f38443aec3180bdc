import type { LambdaFunction, LambdaResult } from './lambda-function.ts'

/** One generation of a function: the code as it was when the generation was made. */
export interface FunctionGeneration extends LambdaFunction {
  /** Resolves when the code is loaded; rejects if it cannot be. */
  ready(): Promise<void>
  close(): Promise<void>
}

/**
 * A function whose code can be replaced while it is in use, as by a deployment: invocations that run finish on
 * the code they began with, later ones get the new. Code that does not load replaces nothing.
 */
export class ReloadableFunction implements LambdaFunction {
  readonly #create: () => FunctionGeneration
  #current: InUse | undefined

  constructor(create: () => FunctionGeneration) {
    this.#create = create
  }

  /** Loads the code, at first or anew. Rejects, and changes nothing, if it cannot be loaded. */
  async load(): Promise<void> {
    const next = new InUse(this.#create())
    await next.ready()
    const previous = this.#current
    this.#current = next
    await previous?.retire()
  }

  async invoke(event: object): Promise<LambdaResult> {
    if (this.#current) return await this.#current.invoke(event)
    return {
      kind: 'error',
      errorType: 'Runtime.NotLoaded',
      message: 'no code is loaded: call load() first',
      trace: [],
    }
  }

  /** Ends it; invocations that run end with an error. */
  async close(): Promise<void> {
    await this.#current?.close()
  }
}

class InUse {
  readonly #generation: FunctionGeneration
  #running = 0
  #onIdle: (() => void) | undefined

  constructor(generation: FunctionGeneration) {
    this.#generation = generation
  }

  async ready(): Promise<void> {
    try {
      await this.#generation.ready()
    } catch (error) {
      await this.#generation.close()
      throw error
    }
  }

  async invoke(event: object): Promise<LambdaResult> {
    this.#running += 1
    try {
      return await this.#generation.invoke(event)
    } finally {
      this.#running -= 1
      if (this.#running === 0) this.#onIdle?.()
    }
  }

  /** Closes as soon as nothing runs, without keeping the caller waiting for that. */
  async retire(): Promise<void> {
    if (this.#running === 0) return await this.close()
    this.#onIdle = () => void this.close()
  }

  async close(): Promise<void> {
    await this.#generation.close()
  }
}
