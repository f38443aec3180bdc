/**
 * Returns a copy of `scope` with the own properties of `additions`, which win.
 *
 * Accessors are copied as accessors, not read: what a middleware adds lazily stays lazy through every router
 * and middleware further in. Symbol keys are copied too.
 */
export function extendScope<S extends object, A extends object>(scope: S, additions: A): Extended<S, A> {
  // A spread would read every getter; a prototype chain would hide the old keys from the next spread.
  const copy = {}
  for (const key of Reflect.ownKeys(scope)) if (!Object.hasOwn(additions, key)) copyProperty(scope, copy, key)
  for (const key of Reflect.ownKeys(additions)) copyProperty(additions, copy, key)
  return copy as Extended<S, A>
}

function copyProperty(from: object, to: object, key: PropertyKey): void {
  const descriptor = Object.getOwnPropertyDescriptor(from, key)
  if (descriptor === undefined) return
  // Assignment keeps the copy a fast object; an accessor, and what assignment treats in its own way, is defined.
  const isPlain = 'value' in descriptor && descriptor.enumerable === true && key !== '__proto__'
  if (isPlain) (to as Record<PropertyKey, unknown>)[key] = descriptor.value
  else Object.defineProperty(to, key, descriptor)
}

/** `S` with the properties of `A`, which win. */
type Extended<S, A> = Omit<S, keyof A> & A

/** What is left of `Needs` for others to provide, once `Has` is there. */
export type Unmet<Needs, Has> = {
  [K in keyof Needs as K extends keyof Has ? (Has[K] extends Needs[K] ? never : K) : K]: Needs[K]
}

/** The keys that `Has` gives with a type that `Needs` cannot take. */
export type Clashes<Needs, Has> = {
  [K in keyof Needs & keyof Has]: Has[K] extends Needs[K] ? never : K
}[keyof Needs & keyof Has]

/** The same type, written out, so that a compiler message shows its keys. */
export type Flat<T> = { [K in keyof T]: T[K] }
