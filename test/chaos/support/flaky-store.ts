import { StoreError } from '../../../shared/errors.ts'
import type { ChannelStore } from '../../../shared/stores/channel-store.ts'

/** A store whose calls fail as a throttled one's do, or succeed without the caller ever hearing of it. */
export interface FlakyStore {
  readonly store: ChannelStore
  /** The next `count` calls fail and do nothing. */
  throttleNextCalls(count: number): void
  /** The next `count` calls that are not throttled are made, and fail. */
  loseNextAnswers(count: number): void
  clearFaults(): void
}

/** Makes any store fail on demand, with the errors that all stores share. */
export function flakyStore(inner: ChannelStore): FlakyStore {
  const left = { throttled: 0, lost: 0 }
  const call = async (method: keyof ChannelStore, args: readonly unknown[]): Promise<unknown> => {
    if (left.throttled > 0) {
      left.throttled -= 1
      throw new StoreError(`${method} was throttled on purpose, nothing was done`, { retryable: true })
    }
    const isLost = left.lost > 0
    if (isLost) left.lost -= 1
    const result: unknown = await Reflect.apply(inner[method] as () => unknown, inner, args)
    if (!isLost) return result
    throw new StoreError(`the answer of ${method} was lost on purpose: it may or may not have been made`, {
      retryable: true,
    })
  }
  return {
    store: new Proxy(inner, {
      get: (_, name) => {
        const value: unknown = Reflect.get(inner, name)
        return typeof value === 'function'
          ? (...args: unknown[]) => call(name as keyof ChannelStore, args)
          : value
      },
    }),
    throttleNextCalls: (count) => void (left.throttled += count),
    loseNextAnswers: (count) => void (left.lost += count),
    clearFaults: () => void Object.assign(left, { throttled: 0, lost: 0 }),
  }
}
