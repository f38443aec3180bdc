import type { Clock } from '../shared/clock.ts'
import { Deadlines } from './deadlines.ts'
import {
  CLOSED,
  errorResult,
  type InvokeOptions,
  type LambdaFunction,
  type LambdaResult,
} from './lambda-function.ts'

/** How an integration ended: as the function did, or by the gateway's own patience. */
export type IntegrationResult =
  | LambdaResult
  | { readonly kind: 'integration-timeout'; readonly timeoutMs: number }

/** Whether the invocation did not end by itself: its function was closed, which is no failure of its code. */
export function isCutByClose(result: IntegrationResult): boolean {
  return result.kind === 'error' && result.errorType === CLOSED
}

/** Runs functions as integrations and knows which are still running. */
export class Invoker {
  readonly #deadlines: Deadlines
  readonly #timeoutMs: number
  #running = 0
  #idleWaiters: (() => void)[] = []

  constructor(clock: Clock, timeoutMs: number) {
    this.#deadlines = new Deadlines(clock, timeoutMs)
    this.#timeoutMs = timeoutMs
  }

  /** Invocations that have not ended, those included that the gateway no longer waits for. */
  get running(): number {
    return this.#running
  }

  /** Invokes and waits, but no longer than the integration time-out. The function itself then keeps running. */
  integrate(target: LambdaFunction, event: object): Promise<IntegrationResult> {
    return new Promise((resolve) => {
      const deadline = this.#deadlines.set(() =>
        resolve({ kind: 'integration-timeout', timeoutMs: this.#timeoutMs }),
      )
      void this.invoke(target, event).then((result) => {
        this.#deadlines.clear(deadline)
        resolve(result)
      })
    })
  }

  /** Invokes and waits as long as it takes. */
  async invoke(target: LambdaFunction, event: object, options?: InvokeOptions): Promise<LambdaResult> {
    return this.track(() => target.invoke(event, options).catch(errorResult))
  }

  /** Counts `work` as running until it is done. */
  async track<Result>(work: () => Promise<Result>): Promise<Result> {
    this.#running += 1
    try {
      return await work()
    } finally {
      this.#running -= 1
      if (this.#running === 0) this.#wake()
    }
  }

  /** Resolves when nothing is running. */
  async quiet(): Promise<void> {
    while (this.#running > 0) await new Promise<void>((resolve) => this.#idleWaiters.push(resolve))
  }

  /** Stops the clock of integrations; those waiting go on waiting for their function. */
  close(): void {
    this.#deadlines.close()
  }

  #wake(): void {
    const waiters = this.#idleWaiters
    this.#idleWaiters = []
    for (const wake of waiters) wake()
  }
}
