import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Clock } from '../shared/clock.ts'

interface Sleeper {
  readonly at: number
  readonly order: number
  readonly wake: () => void
}

/** A clock that jumps to the next sleeper as soon as nothing else is left to do: made for millions of sleeps. */
export class VirtualClock implements Clock {
  #now = Date.UTC(2026, 0, 1)
  #sleeps = 0
  /** A binary heap, the next to wake first. */
  readonly #heap: Sleeper[] = []

  now(): number {
    return this.#now
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    return new Promise((resolve, reject) => {
      // A sleeper that is aborted stays in the heap: waking it does nothing.
      const onAbort = (): void => reject(signal?.reason as Error)
      signal?.addEventListener('abort', onAbort, { once: true })
      const wake = (): void => {
        signal?.removeEventListener('abort', onAbort)
        resolve()
      }
      this.#push({ at: this.#now + Math.max(0, ms), order: this.#sleeps++, wake })
    })
  }

  /** Lets time pass until `work` is done; `onTurn` is called after each jump. */
  async pass<T>(work: Promise<T>, onTurn: () => void = () => {}): Promise<T> {
    let isDone = false
    const finish = (): void => {
      isDone = true
    }
    work.then(finish, finish)
    for (;;) {
      await nextTurn()
      if (isDone) return work
      this.#jump()
      onTurn()
    }
  }

  #jump(): void {
    const next = this.#heap[0]
    if (next === undefined) return
    this.#now = next.at
    while (this.#heap[0]?.at === this.#now) this.#pop().wake()
  }

  #push(sleeper: Sleeper): void {
    const heap = this.#heap
    let index = heap.length
    heap.push(sleeper)
    while (index > 0) {
      const parent = (index - 1) >> 1
      if (!isBefore(sleeper, heap[parent] as Sleeper)) break
      heap[index] = heap[parent] as Sleeper
      index = parent
    }
    heap[index] = sleeper
  }

  #pop(): Sleeper {
    const heap = this.#heap
    const first = heap[0] as Sleeper
    const last = heap.pop() as Sleeper
    if (heap.length > 0) this.#sink(last)
    return first
  }

  #sink(sleeper: Sleeper): void {
    const heap = this.#heap
    let index = 0
    for (let child = 1; child < heap.length; child = 2 * index + 1) {
      const right = heap[child + 1]
      if (right !== undefined && isBefore(right, heap[child] as Sleeper)) child += 1
      if (isBefore(sleeper, heap[child] as Sleeper)) break
      heap[index] = heap[child] as Sleeper
      index = child
    }
    heap[index] = sleeper
  }
}

function isBefore(left: Sleeper, right: Sleeper): boolean {
  return left.at < right.at || (left.at === right.at && left.order < right.order)
}
