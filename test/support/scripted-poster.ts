import { ConnectionGoneError, DeliveryError } from '../../shared/errors.ts'
import type { ConnectionInfo, Poster, PostOptions } from '../../shared/gateway/poster.ts'

/** What API Gateway answers to one call; `hang` is answered by nothing but the end of the invocation. */
export type Answer = 'ok' | 'gone' | 'throttled' | 'forbidden' | 'unavailable' | 'timedOut' | 'hang'

/** One call that was made. */
export interface PosterCall {
  readonly kind: 'post' | 'close' | 'get'
  readonly connectionId: string
  readonly text?: string
}

/** A {@link Poster} whose answers a test writes down, connection by connection. Connections are open unless it says more. */
export class ScriptedPoster implements Poster {
  readonly calls: PosterCall[] = []
  readonly closed: Set<string> = new Set()
  readonly #frames = new Map<string, string[]>()
  readonly #next = new Map<string, Answer[]>()
  readonly #always = new Map<string, Answer>()

  /** The next calls for this connection are answered so, one after the other. */
  answerNext(connectionId: string, ...answers: Answer[]): void {
    this.#next.set(connectionId, [...(this.#next.get(connectionId) ?? []), ...answers])
  }

  /** Every call for this connection is answered so, until told otherwise. */
  answer(connectionId: string, answer: Answer): void {
    this.#always.set(connectionId, answer)
  }

  /** Frames that this connection has received, in order. */
  frames(connectionId: string): readonly string[] {
    return this.#frames.get(connectionId) ?? []
  }

  async post(connectionId: string, text: string, { signal }: PostOptions = {}): Promise<void> {
    await this.#call({ kind: 'post', connectionId, text }, signal)
    this.#frames.set(connectionId, [...this.frames(connectionId), text])
  }

  async close(connectionId: string, { signal }: PostOptions = {}): Promise<void> {
    await this.#call({ kind: 'close', connectionId }, signal)
    this.closed.add(connectionId)
    this.answer(connectionId, 'gone')
  }

  async get(connectionId: string, { signal }: PostOptions = {}): Promise<ConnectionInfo> {
    await this.#call({ kind: 'get', connectionId }, signal)
    return { connectedAt: 0, lastActiveAt: 0, sourceIp: undefined, userAgent: undefined }
  }

  destroy(): void {}

  async #call(call: PosterCall, signal: AbortSignal | undefined): Promise<void> {
    this.calls.push(call)
    signal?.throwIfAborted()
    // Real calls take a while: two that were begun at once must not pass each other because of it.
    await new Promise((resolve) => setImmediate(resolve))
    const answer = this.#next.get(call.connectionId)?.shift() ?? this.#always.get(call.connectionId) ?? 'ok'
    if (answer === 'hang') await aborted(signal)
    const failure = failureOf(answer, call)
    if (failure) throw failure
  }
}

function failureOf(answer: Answer, { connectionId }: PosterCall): Error | undefined {
  if (answer === 'ok' || answer === 'hang') return undefined
  if (answer === 'gone')
    return new ConnectionGoneError(`connection "${connectionId}" is gone: API Gateway answered 410`)
  const status = { throttled: 429, forbidden: 403, unavailable: 503, timedOut: undefined }[answer]
  const retryable = answer !== 'forbidden'
  return new DeliveryError(`could not post to "${connectionId}": ${answer}`, {
    retryable,
    ...(status === undefined ? {} : { status }),
  })
}

function aborted(signal: AbortSignal | undefined): Promise<never> {
  if (!signal) throw new Error('a call hangs without a signal: give the invocation a context')
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason as Error)
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
  })
}
