/**
 * `target`, until `signal` is aborted: from then on no call of it begins, and none ends. What a process is that was
 * killed: it does nothing more, and hears of nothing.
 */
export function cutOff<T extends object>(target: T, signal: AbortSignal): T {
  const never = new Promise<never>(() => {})
  return new Proxy(target, {
    get: (_, name) => {
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function') return value
      return async (...args: unknown[]) => {
        if (signal.aborted) return never
        try {
          const result: unknown = await Reflect.apply(value, target, args)
          return await (signal.aborted ? never : result)
        } catch (error) {
          if (signal.aborted) return never
          throw error
        }
      }
    },
  })
}
