import type { Clock } from '../../shared/clock.ts'

/** A clock whose sleeps are over at once, and remembered; its time stands where the test puts it. */
export class HastyClock implements Clock {
  readonly sleeps: number[] = []
  /** Milliseconds since the epoch. */
  time: number

  constructor(time: number = Date.now()) {
    this.time = time
  }

  now(): number {
    return this.time
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    this.sleeps.push(ms)
  }
}
