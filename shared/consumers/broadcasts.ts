import { Broadcast, type BroadcastEncoder, type EventHandling } from '../broadcast.ts'
import { ConfigurationError } from '../errors.ts'
import type { EventOf } from '../message.ts'
import { findMethod, type HandlerName, methodNameOf, staticMethod, staticMethodNames } from './handlers.ts'

/**
 * The static methods that a consumer class has which broadcasts these events: one per event type, by the name that the
 * type runs. The other events go to `Handles`.
 *
 * @typeParam Content - what they may return: `string` for a consumer of text frames
 *
 * @example
 * ```ts
 * interface TickerEvents { 'price.changed': { readonly price: number } }
 * class TickerConsumer extends JsonWebsocketConsumer {
 *   static priceChanged({ price }: EventOf<TickerEvents, 'price.changed'>) {
 *     return { price }
 *   }
 * }
 * const application = (TickerConsumer satisfies Broadcasts<TickerEvents>).asApplication()
 * ```
 */
export type Broadcasts<Events, Content = unknown> = {
  readonly [Type in keyof Events & string as HandlerName<Type>]: (
    event: EventOf<Events, Type>,
  ) => Content | undefined | Promise<Content | undefined>
}

/** What is asked of a consumer class for its broadcast handlers. */
export interface BroadcastingClass {
  readonly name: string
  readonly prototype: object
  broadcastEncoder(): BroadcastEncoder
}

/** The class's broadcast handler for events of `type`, if it has one: a static method of its application classes. */
export function findBroadcast(consumerClass: BroadcastingClass, type: string): Broadcast | undefined {
  const name = methodNameOf(type)
  const found = name === undefined ? undefined : staticMethod(consumerClass, name)
  return (
    found &&
    new Broadcast({
      name: `${consumerClass.name}.${name}`,
      handler: found.method,
      owner: found.owner,
      encode: consumerClass.broadcastEncoder(),
    })
  )
}

/**
 * How instances of `consumerClass` handle events.
 *
 * @throws {@link ConfigurationError} if a static and an instance method of the application have the same name
 */
export function handlingOf(consumerClass: BroadcastingClass): EventHandling {
  for (const name of staticMethodNames(consumerClass)) {
    if (findMethod(consumerClass.prototype, name) === undefined) continue
    throw new ConfigurationError(
      `${consumerClass.name} has both a static method ${name}() and one of its instances: an event may reach either. Keep the static one to render an event once for a whole group, the other one to run it in each member's consumer, and make a method that handles no event #private`,
    )
  }
  return (type) => {
    const broadcast = findBroadcast(consumerClass, type)
    if (broadcast) return broadcast
    const name = methodNameOf(type)
    return name !== undefined && findMethod(consumerClass.prototype, name) ? 'each' : undefined
  }
}
