import type { WebsocketScope } from '../application.ts'
import { requireMessageSize } from '../codec.ts'
import { ProtocolError } from '../errors.ts'
import { MAX_MESSAGE_BYTES } from '../limits.ts'
import type { EventMap, Message } from '../message.ts'
import { AcceptConnection, DenyConnection } from '../signals.ts'
import { Consumer } from './consumer.ts'
import { watchLostFields } from './field-watch.ts'
import { hideFromEvents } from './handlers.ts'
import { StoredState } from './stored-state.ts'

/** Options of {@link WebsocketConsumer.accept}. */
export interface AcceptOptions {
  /** Refused: API Gateway lets no header of a handshake's response reach the client but the subprotocol. */
  readonly headers?: Readonly<Record<string, string>>
}

/** Options of {@link WebsocketConsumer.send}. */
export interface SendFrameOptions {
  /** Closes the connection after this frame; a number is the close code. */
  readonly close?: boolean | number
}

// Merged into the class below, since only a member of an interface may be overridden by a field and by a getter.
// oxlint-disable-next-line typescript/no-unsafe-declaration-merging
export interface WebsocketConsumer {
  /** Groups that every connection of this consumer is in from before `connect()` until it ends: a field or a getter. */
  readonly groups?: readonly string[]
}

/**
 * A consumer of WebSocket connections: override {@link connect}, {@link receive} and {@link disconnect}, and
 * add a method for each event type that groups and other senders may send. A fresh instance serves every event of a
 * connection, so nothing survives on `this` but {@link state}.
 */
export abstract class WebsocketConsumer<
  S extends WebsocketScope = WebsocketScope,
  Events = EventMap,
> extends Consumer<S, Events> {
  /**
   * What survives from one event of the connection to the next. A consumer that declares it with its first
   * value (`override state = { count: 0 }`) finds it loaded in every handler; changed keys are saved once,
   * when the handler is done. It is JSON, and small.
   *
   * Events of one connection may run at the same time: changes to different keys are both kept, of changes to
   * one key the last wins. Use {@link updateState} where the new value depends on the old one.
   */
  declare state: object
  readonly #stored: StoredState = new StoredState(this)

  /**
   * Decides about the handshake: `accept()`, `close()`, or throw {@link AcceptConnection} or
   * {@link DenyConnection}. Neither means 403. An exception means 500 and leaves nothing behind.
   */
  async connect(): Promise<void> {
    await this.accept()
  }

  /**
   * Handles one text frame. Frames of one connection are handled at the same time and in no order, each by its
   * own instance. API Gateway admits no binary frames.
   */
  receive(_text: string): Promise<void> | void {}

  /**
   * Runs when the connection has ended. It is no member of any group any more, and nothing can be sent to it.
   * May run late; where API Gateway loses its `$disconnect`, when the next sender finds the connection dead,
   * and not at all when nobody sends.
   *
   * @param code - the close code: 1005 for none, 1006 for a lost connection, 1011 after an exception
   * @param reason - the client's reason, or API Gateway's
   */
  disconnect(_code: number, _reason: string): Promise<void> | void {}

  /**
   * Accepts the connection, in `connect()` only.
   *
   * @param subprotocol - one of `scope.subprotocols`
   * @throws {@link ProtocolError} if it was not offered, the connection is decided already, or headers are given
   */
  accept(subprotocol?: string, options: AcceptOptions = {}): Promise<void> {
    return this.connection.track(async () => {
      if (options.headers !== undefined) throw withHeaders(options.headers)
      await this.sendMessage({
        type: 'websocket.accept',
        ...(subprotocol === undefined ? {} : { subprotocol }),
      })
    })
  }

  /**
   * Sends one text frame to the client. Frames that one event sends arrive in order. In `connect()`, after
   * `accept()`, frames are held and delivered right after the connection has opened.
   *
   * The promise may be left alone: the invocation does not end before it, and what it rejects with then is a failure of
   * the handler.
   *
   * @throws {@link MessageTooLargeError} if it has more than 128 KB, counted in bytes
   * @throws {@link ProtocolError} before `accept()`, and for bytes, which API Gateway cannot send
   */
  send(frame: string, { close = false }: SendFrameOptions = {}): Promise<void> {
    return this.connection.track(async () => {
      if (typeof frame !== 'string') throw notText(frame)
      if (close !== false) requireMessageSize(frame, MAX_MESSAGE_BYTES)
      // Both in one turn: nothing that is sent meanwhile comes between the frame and the close.
      const steps = [this.sendMessage({ type: 'websocket.send', text: frame })]
      if (close !== false) steps.push(typeof close === 'number' ? this.close(close) : this.close())
      await Promise.all(steps)
    })
  }

  /**
   * Closes the connection; in `connect()`, before `accept()`, refuses it with 403.
   *
   * API Gateway can tell the client neither code nor reason: it always sees 1000. Where one is given, a last
   * text frame goes out first: `{"type":"websocket.close","code":4001,"reason":"…"}`.
   */
  close(code?: number, reason?: string): Promise<void> {
    return this.sendMessage({
      type: 'websocket.close',
      ...(code === undefined ? {} : { code }),
      ...(reason === undefined ? {} : { reason }),
    })
  }

  /**
   * Replaces the state by what `update` makes of the stored one, and only if no other event wrote in between:
   * `update` then runs again, so it must do nothing else. No increment is ever lost.
   *
   * Resolves to the new state, which is {@link state} from then on; to `undefined` if the connection is gone. What
   * this event has changed before is saved first.
   *
   * @throws {@link StoreError} if others keep writing in between
   * @example
   * ```ts
   * await this.updateState((state) => ({ ...state, count: state.count + 1 }))
   * ```
   */
  updateState(update: (state: this['state']) => this['state']): Promise<this['state'] | undefined> {
    return this.connection.track(() => this.#stored.update(update))
  }

  protected override async serveEvent(message: Message): Promise<void> {
    const watch = this.connection.isDevelopment ? watchLostFields(this, this.connection) : undefined
    // The connection is gone: no handler runs, and the server counts that.
    if (!(await this.#stored.load())) return
    await this.dispatch(message)
    watch?.report()
    await this.#stored.saveAtEnd(message)
  }

  protected override async dispatch(message: Message): Promise<void> {
    if (message.type === 'websocket.connect') await this.#connect()
    else if (message.type === 'websocket.receive') await this.receive(textOf(message, 'text'))
    else if (message.type === 'websocket.disconnect') await this.#disconnect(message)
    else await super.dispatch(message)
  }

  async #connect(): Promise<void> {
    await Promise.all((this.groups ?? []).map((group) => this.channelLayer.groupAdd(group, this.channelName)))
    try {
      await this.connect()
    } catch (signal) {
      if (signal instanceof AcceptConnection) await this.accept()
      else if (signal instanceof DenyConnection)
        await this.sendMessage({ type: 'websocket.close', status: signal.status })
      else throw signal
    }
  }

  async #disconnect(message: Message): Promise<void> {
    // The server has ended every membership before, those of `groups` included.
    await this.disconnect(Number(message['code'] ?? 1005), textOf(message, 'reason'))
  }
}

hideFromEvents(WebsocketConsumer)

function textOf(message: Message, key: string): string {
  const value = message[key]
  return typeof value === 'string' ? value : ''
}

function withHeaders(headers: object): ProtocolError {
  return new ProtocolError(
    `accept() got the headers ${Object.keys(headers).join(', ')}: API Gateway lets only the subprotocol reach the client, so set cookies and headers over HTTP`,
  )
}

function notText(frame: unknown): ProtocolError {
  const what = frame instanceof Uint8Array ? 'bytes' : typeof frame
  return new ProtocolError(
    `send() got ${what}: API Gateway sends text frames only. Send a string; encode bytes as base64 and say so in your own protocol`,
  )
}
