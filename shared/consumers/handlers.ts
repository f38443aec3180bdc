import { InvalidMessageError, NoHandlerError } from '../errors.ts'
import type { EventOf } from '../message.ts'

/** `chat.user.left` → `chatUserLeft`. */
export type HandlerName<Type extends string> = Type extends `${infer Head}.${infer Tail}`
  ? `${Head}${Capitalize<HandlerName<Tail>>}`
  : Type

/**
 * The methods that a consumer of `Events` has: one per event type, by the name the type runs.
 *
 * @example
 * ```ts
 * interface ChatEvents { 'chat.message': { readonly message: string } }
 * class ChatConsumer extends JsonWebsocketConsumer implements Handles<ChatEvents> {
 *   async chatMessage(event: EventOf<ChatEvents, 'chat.message'>): Promise<void> {
 *     await this.sendJson({ message: event.message })
 *   }
 * }
 * ```
 */
export type Handles<Events> = {
  [Type in keyof Events & string as HandlerName<Type>]: (event: EventOf<Events, Type>) => Promise<void> | void
}

type Handler = (this: object, event: object) => Promise<void> | void

const TYPE = /^[a-zA-Z0-9][a-zA-Z0-9_]*(?:\.[a-zA-Z0-9][a-zA-Z0-9_]*)*$/

/** The prototypes of the framework's own consumers: nothing that they define can be reached by a message. */
const frameworkPrototypes = new Set<object>([Object.prototype])

/** Marks a framework class, so that an event can reach neither its methods nor an override of one. */
export function hideFromEvents(prototype: object): void {
  frameworkPrototypes.add(prototype)
}

/**
 * The method name that events of `type` run: `chat.message` runs `chatMessage`.
 *
 * @throws {@link InvalidMessageError} if the type is not made of words joined by dots
 */
export function handlerName(type: string): string {
  if (!TYPE.test(type)) {
    throw new InvalidMessageError(
      `message type ${JSON.stringify(type)} names no method: use words of letters, digits and "_" joined by ".", such as "chat.message"`,
    )
  }
  return type.replaceAll(/\.([a-zA-Z0-9])/g, (_dot, first: string) => first.toUpperCase())
}

/**
 * The application's own method for events of `type`.
 *
 * Only methods that application classes define are found: no field, no accessor, and no name that the
 * framework or `Object` uses, such as `constructor`, `send`, `close` or `connect`.
 *
 * @throws {@link NoHandlerError} naming the consumer, the type and the method
 */
export function findHandler(consumer: object, type: string): Handler {
  const name = handlerName(type)
  for (const prototype of applicationPrototypes(consumer)) {
    const handler: unknown = Object.getOwnPropertyDescriptor(prototype, name)?.value
    if (typeof handler === 'function' && !isFrameworkName(name)) return handler as Handler
  }
  const className = consumer.constructor.name
  const reason = isFrameworkName(name)
    ? `"${name}" belongs to the framework and cannot be a handler: choose another type`
    : `it has no method ${name}(): add one, or send another type`
  throw new NoHandlerError(`${className} cannot handle an event of type "${type}": ${reason}`)
}

function* applicationPrototypes(consumer: object): Iterable<object> {
  let prototype: unknown = Object.getPrototypeOf(consumer)
  while (typeof prototype === 'object' && prototype !== null && !frameworkPrototypes.has(prototype)) {
    yield prototype
    prototype = Object.getPrototypeOf(prototype)
  }
}

function isFrameworkName(name: string): boolean {
  for (const prototype of frameworkPrototypes) if (Object.hasOwn(prototype, name)) return true
  return false
}
