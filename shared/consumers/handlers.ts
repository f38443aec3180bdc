import type { BroadcastMethod } from '../broadcast.ts'
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

/** The framework's own consumer classes: the same for what they define as static. */
const frameworkClasses = new Set<object>([Function.prototype])

/** Marks a framework class, so that an event can reach neither its methods, static or not, nor an override of one. */
export function hideFromEvents(consumerClass: { readonly prototype: object }): void {
  frameworkPrototypes.add(consumerClass.prototype)
  frameworkClasses.add(consumerClass)
}

/**
 * The method name that events of `type` run: `chat.message` runs `chatMessage`.
 *
 * @throws {@link InvalidMessageError} if the type is not made of words joined by dots
 */
export function handlerName(type: string): string {
  const name = methodNameOf(type)
  if (name !== undefined) return name
  throw new InvalidMessageError(
    `message type ${JSON.stringify(type)} names no method: use words of letters, digits and "_" joined by ".", such as "chat.message"`,
  )
}

/** As {@link handlerName}; `undefined` if the type is not made of words joined by dots. */
export function methodNameOf(type: string): string | undefined {
  if (!TYPE.test(type)) return undefined
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
  const handler = findMethod(Object.getPrototypeOf(consumer) as object, name)
  if (handler) return handler
  const className = consumer.constructor.name
  const reason = isDefinedBy(frameworkPrototypes, name)
    ? `"${name}" belongs to the framework and cannot be a handler: choose another type`
    : `it has no method ${name}(): add one, or send another type`
  throw new NoHandlerError(`${className} cannot handle an event of type "${type}": ${reason}`)
}

/** The method `name` of the application's classes that objects with this prototype have, if an event may reach it. */
export function findMethod(prototype: object, name: string): Handler | undefined {
  if (isDefinedBy(frameworkPrototypes, name)) return undefined
  for (const owner of applicationOwners(prototype, frameworkPrototypes)) {
    const method: unknown = Object.getOwnPropertyDescriptor(owner, name)?.value
    if (typeof method === 'function') return method as Handler
  }
  return undefined
}

/** A static method, and the class that defines it. */
export interface StaticMethod {
  readonly owner: object
  readonly method: BroadcastMethod
}

/**
 * The static method `name` of the application's classes, if an event may reach it: no field, no accessor, and no name that
 * the framework, `Function` or `Object` uses, be it for a static member or another one.
 */
export function staticMethod(consumerClass: object, name: string): StaticMethod | undefined {
  if (isDefinedBy(frameworkClasses, name) || isDefinedBy(frameworkPrototypes, name)) return undefined
  for (const owner of applicationOwners(consumerClass, frameworkClasses)) {
    const descriptor = Object.getOwnPropertyDescriptor(owner, name)
    if (descriptor === undefined) continue
    const method: unknown = descriptor.value
    // A field with a function, such as a schema or another class, is enumerable; a method is not.
    const isMethod = typeof method === 'function' && descriptor.enumerable === false
    return isMethod ? { owner, method: method as BroadcastMethod } : undefined
  }
  return undefined
}

/** The names of all static methods that an event may reach. */
export function staticMethodNames(consumerClass: object): readonly string[] {
  const owners = [...applicationOwners(consumerClass, frameworkClasses)]
  const names = new Set(owners.flatMap((owner) => Object.getOwnPropertyNames(owner)))
  return [...names].filter((name) => staticMethod(consumerClass, name) !== undefined)
}

/** `first` and what it inherits from, up to the framework. */
function* applicationOwners(first: object, framework: ReadonlySet<object>): Iterable<object> {
  let owner: unknown = first
  while (isOwner(owner) && !framework.has(owner)) {
    yield owner
    owner = Object.getPrototypeOf(owner)
  }
}

function isOwner(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function'
}

function isDefinedBy(framework: ReadonlySet<object>, name: string): boolean {
  for (const owner of framework) if (Object.hasOwn(owner, name)) return true
  return false
}
