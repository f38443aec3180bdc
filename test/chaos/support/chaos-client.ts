import { WebSocket } from 'ws'
import type { Command, Told } from './member-consumer.ts'

/** What a client wants of a group, and as far as it knows has. */
export interface Membership {
  readonly client: ChaosClient
  readonly group: string
  /** Set as soon as the client asks to leave, or ends. */
  isOver: boolean
}

/** A client with a real socket that writes down what it is told. */
export class ChaosClient {
  readonly #socket: WebSocket
  readonly #waiting = new Map<string, (isDone: boolean) => void>()
  /** How often each message has come. */
  readonly received = new Map<string, number>()
  /** Indexes in the order in which they first came, by burst. */
  readonly bursts = new Map<string, number[]>()
  readonly memberships = new Map<string, Membership>()
  /** Groups that it may or may not be in: a call failed, or was never answered. */
  readonly unsure = new Set<string>()
  /** Groups that it ever asked to be in. */
  readonly asked = new Set<string>()
  /** Members that a group send counted as failed. */
  failures = 0
  hellos = 0
  /** Frames of bursts, those included that came before. */
  burstFrames = 0
  #channelName = ''
  #isEnding = false
  #wasOpen = false
  /** Whether the server has closed it. */
  wasClosed = false
  readonly #opened: Promise<boolean>

  constructor(url: string) {
    this.#socket = new WebSocket(url)
    const { promise, resolve } = Promise.withResolvers<boolean>()
    this.#opened = promise
    this.#socket.on('open', () => {
      this.#wasOpen = true
      resolve(true)
    })
    // A refused handshake; a reset is seen as the close that follows.
    this.#socket.on('error', () => resolve(false))
    this.#socket.on('message', (data: Buffer) => this.#hear(JSON.parse(data.toString()) as Told))
    this.#socket.on('close', () => {
      this.wasClosed = this.#wasOpen && !this.#isEnding
      this.#over()
    })
  }

  /** Resolves to whether the handshake was accepted; a member of `groups` then, which its consumer joins. */
  async opened(...groups: readonly string[]): Promise<boolean> {
    if (!(await this.#opened)) return false
    for (const group of groups) {
      this.asked.add(group)
      this.memberships.set(group, { client: this, group, isOver: !this.isOpen })
    }
    return true
  }

  get isOpen(): boolean {
    return this.#socket.readyState === WebSocket.OPEN && !this.#isEnding
  }

  /** Empty until it has been told. */
  get channelName(): string {
    return this.#channelName
  }

  /** Sends a command and goes on; `answered` is called if an answer ever comes. */
  command(command: Command, answered: (isDone: boolean) => void = () => {}): void {
    this.#waiting.set(command.id, answered)
    this.#socket.send(JSON.stringify(command))
  }

  join(id: string, group: string): void {
    if (this.memberships.has(group) || this.unsure.has(group)) return
    this.asked.add(group)
    this.unsure.add(group)
    this.command({ do: 'join', id, group }, (isDone) => {
      if (!isDone || !this.unsure.delete(group)) return
      this.memberships.set(group, { client: this, group, isOver: false })
    })
  }

  leave(id: string, group: string): void {
    const membership = this.memberships.get(group)
    if (membership === undefined) return
    membership.isOver = true
    this.memberships.delete(group)
    this.unsure.add(group)
    this.command({ do: 'leave', id, group }, (isDone) => {
      if (isDone) this.unsure.delete(group)
    })
  }

  /** Closes as a client should. */
  close(): void {
    this.#isEnding = true
    this.#over()
    this.#socket.close()
  }

  /** Drops the socket without a word. */
  vanish(): void {
    this.#isEnding = true
    this.#over()
    this.#socket.terminate()
  }

  #over(): void {
    for (const membership of this.memberships.values()) membership.isOver = true
  }

  #hear(told: Told): void {
    if (told.hello !== undefined) {
      this.#channelName = told.hello
      this.hellos += 1
    }
    if (told.said !== undefined) this.received.set(told.said, (this.received.get(told.said) ?? 0) + 1)
    if (told.burst !== undefined) this.#hearBurst(told.burst, told.index ?? 0)
    this.failures += told.failures ?? 0
    if (told.done !== undefined) this.#settle(told.done, true)
    if (told.failed !== undefined) this.#settle(told.failed, false)
  }

  #hearBurst(id: string, index: number): void {
    this.burstFrames += 1
    const seen = this.bursts.get(id) ?? []
    this.bursts.set(id, seen)
    if (!seen.includes(index)) seen.push(index)
  }

  #settle(id: string, isDone: boolean): void {
    const answered = this.#waiting.get(id)
    this.#waiting.delete(id)
    answered?.(isDone)
  }
}
