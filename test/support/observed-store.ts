import type { StoreError } from '../../shared/errors.ts'
import type { ChannelStore } from '../../shared/stores/channel-store.ts'

type Method = Exclude<keyof ChannelStore, 'identity' | 'messages'>

/** One call of a store. */
export interface StoreCall {
  readonly method: Method
  readonly args: readonly unknown[]
}

/** A fault of a store: the call fails, `after` its work was done or before. */
interface Fault {
  readonly method: Method
  readonly error: Error
  readonly after: boolean
  skip: number
  times: number
}

/** A store whose calls are written down, and fail where a test says so. */
export interface ObservedStore extends ChannelStore {
  readonly calls: StoreCall[]
  /** Connections whose record is not found, as if its write had not arrived yet. */
  readonly hidden: Set<string>
  /** Why the record of a connection cannot be read, though it is there. */
  readonly spoilt: Map<string, StoreError>
  /** Names of the methods called since the last call of this. */
  takeCalls(): readonly Method[]
  /** Makes calls of `method` fail. */
  fail(
    method: Method,
    error: Error,
    options?: { readonly after?: boolean; readonly skip?: number; readonly times?: number },
  ): void
}

/** Watches `inner`. */
export function observeStore(inner: ChannelStore): ObservedStore {
  const calls: StoreCall[] = []
  const faults: Fault[] = []
  const hidden = new Set<string>()
  const spoilt = new Map<string, StoreError>()
  const carryOut = async (method: Method, args: readonly unknown[]): Promise<unknown> => {
    const id = String(args[0])
    if (method === 'load' && hidden.has(id)) return undefined
    if (method === 'load' && spoilt.has(id)) throw spoilt.get(id) as StoreError
    const result: unknown = await Reflect.apply(inner[method], inner, args)
    if (method === 'loadMany') hideAndSpoil(result as Map<string, unknown>)
    return result
  }
  const hideAndSpoil = (loaded: Map<string, unknown>): void => {
    for (const id of hidden) loaded.delete(id)
    for (const [id, error] of spoilt) if (loaded.has(id)) loaded.set(id, error)
  }
  const call = async (method: Method, args: readonly unknown[]): Promise<unknown> => {
    calls.push({ method, args })
    const fault = faults.find((candidate) => candidate.method === method && candidate.times > 0)
    if (fault && fault.skip > 0) fault.skip -= 1
    else if (fault) {
      fault.times -= 1
      if (fault.after) await Reflect.apply(inner[method], inner, args)
      throw fault.error
    }
    return await carryOut(method, args)
  }
  const extras = {
    identity: inner.identity,
    // Of another port, whose calls nobody watches.
    messages: inner.messages,
    calls,
    hidden,
    spoilt,
    takeCalls: () => calls.splice(0).map(({ method }) => method),
    fail: (method: Method, error: Error, { after = false, skip = 0, times = 1 } = {}) => {
      faults.push({ method, error, after, skip, times })
    },
  }
  return new Proxy(inner, {
    get: (_, name) =>
      name in extras
        ? extras[name as keyof typeof extras]
        : (...args: unknown[]) => call(name as Method, args),
  }) as ObservedStore
}
