import type { HttpScope } from '../application.ts'
import { ConfigurationError, ProtocolError } from '../errors.ts'
import { bytesOf, type HeaderEntry, messageBody } from '../http-message.ts'
import type { EventMap, Message } from '../message.ts'
import { Signal } from '../signals.ts'
import { Consumer } from './consumer.ts'
import { hideFromEvents } from './handlers.ts'

/** Headers of a response: by name, or as a list where a name comes several times. */
export type ResponseHeaders = Readonly<Record<string, string>> | readonly HeaderEntry[]

/** Options of {@link HttpConsumer.sendHeaders}. */
export interface SendHeadersOptions {
  /** Default 200. */
  readonly status?: number
  readonly headers?: ResponseHeaders
}

/** Options of {@link HttpConsumer.sendBody}. */
export interface SendBodyOptions {
  /** Whether another part follows. Nothing arrives before the last one: a function returns its response whole. */
  readonly moreBody?: boolean
}

/**
 * A consumer of HTTP requests: override {@link handle}. For more than a few, a view (see {@link fetchApplication}) is
 * less work.
 *
 * A fresh instance serves every request, which has neither a state nor a channel of its own: what is to survive belongs
 * into the session or a table.
 *
 * @example
 * ```ts
 * class Announce extends HttpConsumer {
 *   override async handle(body: Buffer): Promise<void> {
 *     await this.channelLayer.groupSend('news', { type: 'news.announced', text: body.toString() })
 *     await this.sendResponse(202, 'announced\n')
 *   }
 * }
 * ```
 */
export abstract class HttpConsumer<S extends HttpScope = HttpScope, Events = EventMap> extends Consumer<
  S,
  Events
> {
  /** A request has no channel: reading it throws {@link ProtocolError}. */
  declare readonly channelName: never

  /**
   * Handles the request, once its body is there, and answers it: with {@link sendResponse}, or with {@link sendHeaders}
   * and {@link sendBody}. What it returns is ignored. An exception is a 500.
   */
  abstract handle(body: Buffer): Promise<void> | void

  /** Runs when {@link handle} is done, also when it throws. Nothing can be sent from here. */
  disconnect(): Promise<void> | void {}

  /**
   * Sends status and headers. The body has to follow.
   *
   * @throws {@link InvalidMessageError} for a status or header that no response can have, such as a value with a line break
   * @throws {@link ProtocolError} if they were sent before
   */
  sendHeaders({ status = 200, headers = [] }: SendHeadersOptions = {}): Promise<void> {
    return this.sendMessage({ type: 'http.response.start', status, headers: entriesOf(headers) })
  }

  /**
   * Sends the body, or a part of it. Text travels as UTF-8.
   *
   * @throws {@link ProtocolError} before {@link sendHeaders}, after the last part, and for what is no text and no bytes
   */
  sendBody(body: string | Uint8Array, { moreBody = false }: SendBodyOptions = {}): Promise<void> {
    return this.connection.track(async () => {
      if (typeof body !== 'string' && !(body instanceof Uint8Array)) throw notBody(body)
      await this.sendMessage({ type: 'http.response.body', ...messageBody(body), moreBody })
    })
  }

  /**
   * Sends the whole response; see {@link sendHeaders} and {@link sendBody}. Text is `text/plain; charset=utf-8` unless a
   * header says what else.
   */
  sendResponse(
    status: number,
    body: string | Uint8Array = '',
    { headers = [] }: Pick<SendHeadersOptions, 'headers'> = {},
  ): Promise<void> {
    return this.connection.track(async () => {
      await this.sendHeaders({ status, headers: withType(body, entriesOf(headers)) })
      await this.sendBody(body)
    })
  }

  protected override async dispatch(message: Message): Promise<void> {
    if (message.type !== 'http.request') return super.dispatch(message)
    if (typeof this.handle !== 'function') throw withoutHandle(this.constructor.name)
    const failures: unknown[] = []
    for (const step of [() => this.handle(bytesOf(message)), () => this.disconnect()]) {
      try {
        await step()
      } catch (error) {
        failures.push(error)
      }
    }
    throwAll(failures)
  }
}

hideFromEvents(HttpConsumer)

/** Throws what handle() and disconnect() have thrown: failures before signals, and both where both have failed. */
function throwAll(thrown: readonly unknown[]): void {
  const failures = thrown.filter((error) => !(error instanceof Signal))
  if (failures.length > 1) {
    throw new AggregateError(failures, `handle() failed, and then disconnect(): ${failures.join('; ')}`)
  }
  if (thrown.length > 0) throw failures[0] ?? thrown[0]
}

function entriesOf(headers: ResponseHeaders): readonly HeaderEntry[] {
  return Array.isArray(headers) ? headers : Object.entries(headers)
}

/** Text without a type is plain text in UTF-8, or a browser would guess both. */
function withType(body: string | Uint8Array, entries: readonly HeaderEntry[]): readonly HeaderEntry[] {
  const isTyped = entries.some(([name]) => /^content-type$/i.test(name))
  if (isTyped || typeof body !== 'string' || body === '') return entries
  return [...entries, ['content-type', 'text/plain; charset=utf-8']]
}

function withoutHandle(consumer: string): ConfigurationError {
  return new ConfigurationError(`${consumer} has no method handle(): a subclass of HttpConsumer provides one`)
}

function notBody(body: unknown): ProtocolError {
  return new ProtocolError(
    `sendBody() got ${body === null ? 'null' : typeof body}: send text or bytes, and JSON as JSON.stringify(…)`,
  )
}
