import type { Application, Scope, WebsocketScope } from '../application.ts'
import type { BroadcastEncoder } from '../broadcast.ts'
import type { EventMap } from '../message.ts'
import { hideFromEvents } from './handlers.ts'
import type { JsonOnly } from './json-only.ts'
import { type SendFrameOptions, WebsocketConsumer } from './websocket-consumer.ts'

/** What a schema says of a value that does not fit. */
export interface SchemaIssue {
  readonly message: string
  readonly path?: ReadonlyArray<PropertyKey | { readonly key: PropertyKey }> | undefined
}

/** The part of the Standard Schema interface (https://standardschema.dev) that is used: zod, valibot and arktype fit. */
export interface ContentSchema<Content> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => SchemaResult<Content> | Promise<SchemaResult<Content>>
  }
}

type SchemaResult<Content> =
  | { readonly value: Content; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] }

/** The compiler's words for a `receiveJson` that believes its client. */
interface ContentIsUnchecked {
  readonly 'receiveJson() takes what no contentSchema has checked: declare one, or take unknown': never
}

/** Whether a class with a `receiveJson` for more than `unknown` has a schema for it. */
type CheckedContent<T> = T extends { receiveJson(content: infer Content): unknown }
  ? unknown extends Content
    ? unknown
    : T extends { readonly contentSchema: ContentSchema<Content> }
      ? unknown
      : ContentIsUnchecked
  : unknown

/**
 * A {@link WebsocketConsumer} whose frames are JSON.
 *
 * @typeParam Content - what {@link contentSchema} makes of a frame; without a schema it is `unknown`
 */
export abstract class JsonWebsocketConsumer<
  S extends WebsocketScope = WebsocketScope,
  Events = EventMap,
  Content = unknown,
> extends WebsocketConsumer<S, Events> {
  /** Checks each frame's content before {@link receiveJson}: any Standard Schema, as a field. */
  declare readonly contentSchema?: ContentSchema<Content>

  /**
   * As {@link Consumer.asApplication}. Does not compile either if {@link receiveJson} takes more than `unknown` and there is
   * no {@link contentSchema} to check what the client sends.
   */
  declare static asApplication: <T extends { readonly scope: Scope }, Args extends unknown[]>(
    this: (new (...args: Args) => T) & JsonOnly<T> & CheckedContent<T>,
    ...args: Args
  ) => Application<T['scope']>

  /** As {@link Consumer.broadcastEncoder}: the class's {@link encodeJson}, called without an instance. */
  static override broadcastEncoder(): BroadcastEncoder {
    // oxlint-disable-next-line typescript/unbound-method -- it is called without an instance on purpose
    return this.prototype.encodeJson
  }

  /** Handles the content of one frame. */
  receiveJson(_content: Content): Promise<void> | void {}

  /**
   * Handles a frame that is not JSON. By default logs, counts and closes with 1007; override it with
   * `await this.sendJson({ error: 'send JSON' })` to keep the connection.
   */
  async receiveInvalidJson(text: string, error: unknown): Promise<void> {
    this.#reject('invalidJson', {
      characters: text.length,
      error: error instanceof Error ? error.message : String(error),
    })
    await this.close(1007, 'the frame is not JSON')
  }

  /** Handles JSON that does not fit {@link contentSchema}. By default logs, counts and closes with 1007. */
  async receiveInvalid(issues: readonly SchemaIssue[]): Promise<void> {
    this.#reject('invalidContent', { issues: issues.map(({ message }) => message) })
    await this.close(1007, 'the frame does not fit the schema')
  }

  /** Sends `content` as one JSON text frame; see {@link WebsocketConsumer.send}. */
  sendJson(content: unknown, options?: SendFrameOptions): Promise<void> {
    return this.connection.track(async () => {
      const text = this.encodeJson(content)
      // Without a wait where there is no need for one: what is sent later must not come first.
      await this.send(typeof text === 'string' ? text : await text, options)
    })
  }

  /**
   * Turns content into text; override it for values that JSON lacks. If it gives a promise, frames that are sent before
   * that is resolved go first. What broadcast handlers return is encoded by it too, without an instance: there is no `this`
   * then.
   */
  encodeJson(content: unknown): string | Promise<string> {
    const text: string | undefined = JSON.stringify(content)
    if (text !== undefined) return text
    throw new TypeError(
      `sendJson() got ${String(content)}, which JSON cannot carry: send an object, array, string, number, boolean or null`,
    )
  }

  /** Turns text into content; override it for values that JSON lacks. Throws if it is not JSON. */
  decodeJson(text: string): unknown {
    return JSON.parse(text)
  }

  override async receive(text: string): Promise<void> {
    let content: unknown
    try {
      content = await this.decodeJson(text)
    } catch (error) {
      await this.receiveInvalidJson(text, error)
      return
    }
    const result = await this.contentSchema?.['~standard'].validate(content)
    if (result?.issues !== undefined) await this.receiveInvalid(result.issues)
    else await this.receiveJson((result === undefined ? content : result.value) as Content)
  }

  #reject(reason: string, details: object): void {
    this.connection.count(reason)
    this.connection.logger.warn(`${this.constructor.name} refused a frame`, {
      reason,
      channelName: this.channelName,
      ...details,
    })
  }
}

hideFromEvents(JsonWebsocketConsumer)
