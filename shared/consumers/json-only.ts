import type { Connection } from '../application.ts'
import type { ChannelLayer } from '../channel-layer.ts'

/** The types within `T` that JSON would change or lose: never, if there are none. */
export type NotJson<T, Depth extends readonly unknown[] = []> = unknown extends T
  ? never
  : Depth['length'] extends 8
    ? never
    : T extends string | number | boolean | null | undefined
      ? never
      : T extends Unserialisable
        ? T
        : T extends readonly (infer Item)[]
          ? NotJson<Item, readonly [...Depth, 0]>
          : { [Key in keyof T]-?: NotJson<T[Key], readonly [...Depth, 0]> }[keyof T]

type Unserialisable =
  | bigint
  | symbol
  | ((...args: never[]) => unknown)
  | { toJSON(): unknown }
  | ReadonlyMap<unknown, unknown>
  | ReadonlySet<unknown>

/** The compiler's words for a state that cannot be kept. */
interface StateIsNotJson<Found> {
  readonly 'the state holds what JSON cannot carry': Found
}

/** The compiler's words for events that cannot travel. */
interface EventIsNotJson<Found> {
  readonly 'an event holds what JSON cannot carry': Found
}

type FoundInState<T> = T extends { readonly state: infer State } ? NotJson<State> : never

type FoundInEvents<T> = T extends { readonly channelLayer: ChannelLayer<infer Events> }
  ? string extends keyof Events
    ? never
    : NotJson<Events>
  : never

/** The compiler's words for a state of a consumer whose scope ends with the event. */
interface StateIsNotKept {
  readonly 'only a WebSocket connection keeps a state': never
}

type KeptState<T> = T extends { readonly state: unknown; readonly scope: { readonly connection: infer Lent } }
  ? Lent extends Connection
    ? unknown
    : StateIsNotKept
  : unknown

/**
 * What a consumer's class has to be as well: unknown, that is nothing more, if its state and its events are JSON, and there
 * is something that keeps the state.
 */
export type JsonOnly<T> = KeptState<T> &
  ([FoundInState<T>] extends [never] ? unknown : StateIsNotJson<FoundInState<T>>) &
  ([FoundInEvents<T>] extends [never] ? unknown : EventIsNotJson<FoundInEvents<T>>)
