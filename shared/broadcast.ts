import { ProtocolError } from './errors.ts'
import type { Message } from './message.ts'
import { Signal } from './signals.ts'

/** What a {@link Broadcast} is made of. */
export interface BroadcastParts {
  /** How errors call the handler, such as `ChatConsumer.chatMessage`. */
  readonly name: string
  /** Makes content of an event; nothing, if nothing is to be sent. */
  readonly handler: BroadcastMethod
  /** What `this` is in the handler: the class that defines it, whatever class inherits it. */
  readonly owner: object
  readonly encode: BroadcastEncoder
}

/** A broadcast handler as it stands in a class. */
export type BroadcastMethod = (event: never) => unknown

/** Makes a frame's text of what a broadcast handler returned. Called without an instance: it has no `this`. */
export type BroadcastEncoder = (content: unknown) => unknown

/** A handler that makes of an event the same frame for everybody, so that it runs once for a whole group. */
export class Broadcast {
  readonly #parts: BroadcastParts

  constructor(parts: BroadcastParts) {
    this.#parts = parts
  }

  /**
   * The frame's text for `event`; `undefined` if nothing is to be sent.
   *
   * @throws what the handler throws; {@link ProtocolError} for a signal, since there is no consumer that it could stop,
   * and for a result that is no text
   */
  async render(event: Message): Promise<string | undefined> {
    const text = await this.#run(event)
    if (text === undefined || typeof text === 'string') return text
    throw new ProtocolError(
      `broadcast handler ${this.#parts.name}() made ${text === null ? 'null' : `a value of type ${typeof text}`} of "${event.type}": return the frame's text, nothing to send nothing, or extend JsonWebsocketConsumer, which encodes what it returns`,
    )
  }

  /** Whether `other` makes the same of every event: it is the same method, and what it returns is encoded alike. */
  isSame(other: Broadcast): boolean {
    const { handler, owner, encode } = this.#parts
    return handler === other.#parts.handler && owner === other.#parts.owner && encode === other.#parts.encode
  }

  async #run(event: Message): Promise<unknown> {
    const { name, handler, owner, encode } = this.#parts
    try {
      const content: unknown = await Reflect.apply(handler, owner, [event])
      return content === undefined ? undefined : await Reflect.apply(encode, noInstance(name), [content])
    } catch (error) {
      if (!(error instanceof Signal)) throw error
      throw new ProtocolError(
        `broadcast handler ${name}() threw ${error.name}: it runs for a whole group, so there is no connection to accept, deny or stop. Return nothing to send nothing`,
        { cause: error },
      )
    }
  }
}

/** What an encoder finds as `this`. */
function noInstance(handler: string): object {
  return new Proxy(Object.freeze({}), {
    get(_target, key) {
      throw new ProtocolError(
        `what broadcast handler ${handler}() returned is encoded once for a whole group, without a consumer, and the encoder used this.${String(key)}: let encodeJson() depend on its content alone`,
      )
    },
  })
}

/**
 * How one consumer class handles events of `type`: by a broadcast handler, by a method that runs in `each` member's own
 * consumer, or not at all.
 */
export type EventHandling = (type: string) => Broadcast | 'each' | undefined

const HANDLINGS: unique symbol = Symbol('lambda-channels.handlings')

/**
 * Lets `application` say how each consumer class handles events that it leads to, or that this is not known. Every
 * consumer, router and middleware does: it is what tells an application from other functions.
 */
export function markHandlings<A extends object>(
  application: A,
  handlings: readonly EventHandling[] | undefined,
): A {
  return Object.assign(application, { [HANDLINGS]: handlings })
}

/** Whether `value` is an application that was made by a consumer, a router, or middleware that makes itself known. */
export function isKnownApplication(value: object): boolean {
  return Object.hasOwn(value, HANDLINGS)
}

/** What these applications say together; `undefined` if one of them, such as a plain function, says nothing. */
export function handlingsOf(applications: readonly object[]): readonly EventHandling[] | undefined {
  const known: EventHandling[] = []
  for (const application of applications) {
    const handlings: unknown = Reflect.get(application, HANDLINGS)
    if (!Array.isArray(handlings)) return undefined
    // Only markHandlings() knows the symbol.
    known.push(...(handlings as readonly EventHandling[]))
  }
  return known
}

/**
 * The broadcast handler that serves events of `type` for all consumers of `application` that handle them; `undefined` if
 * one of them handles them in another way, or if not all are known: then each member's own consumer has to be asked.
 */
export function broadcastOf(application: object, type: string): Broadcast | undefined {
  const found = (handlingsOf([application]) ?? [])
    .map((handling) => handling(type))
    .filter((handling) => handling !== undefined)
  const [first] = found
  if (!(first instanceof Broadcast)) return undefined
  return found.every((other) => other !== 'each' && other.isSame(first)) ? first : undefined
}
