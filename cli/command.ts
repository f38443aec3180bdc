import type { ChannelStore, DeliveryQueue, JsonValue } from '../shared/index.ts'
import type { OpenChannelLayer, OpenStore } from '../shared/environment/index.ts'
import type { WorkerQueues } from '../shared/layers/worker-queues.ts'

/** The command line is wrong: the message says what, and how it is right. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** An option of a command. */
export interface CommandOption {
  /** What stands for its value in the help; a flag has none. */
  readonly value?: string
  readonly isMultiple?: boolean
  readonly help: string
}

/** The values of the options that were given. */
export interface OptionValues {
  flag(name: string): boolean
  /** The last value of an option. */
  text(name: string): string | undefined
  /** All values of an option that may be given several times. */
  texts(name: string): readonly string[]
}

/** A store that can list what it keeps. */
export type ListingStore = OpenStore['store']

/** What a command reaches. Each is opened when it is asked for, and closed after the command. */
export interface Reach {
  store(): Promise<ListingStore>
  layer(): Promise<OpenChannelLayer>
  /** The queues of worker channels, by which that layer finds where a message goes. */
  workers(): Promise<WorkerQueues>
  /** The delivery queue, and the endpoint that its tasks are for. */
  queue(): Promise<{ readonly queue: DeliveryQueue; readonly endpoint: string; readonly store: ChannelStore }>
}

/** One call of a command. */
export interface CommandCall {
  /** As many as the command has parameters. */
  readonly parameters: readonly string[]
  readonly options: OptionValues
  readonly reach: Reach
  /** Milliseconds since the epoch. */
  readonly now: number
}

/** What a command has found or done. */
export interface Report {
  /** With `--json`. */
  readonly json: JsonValue
  /** Otherwise: lines, which hold nothing that works a terminal. */
  readonly lines: readonly string[]
  /** Not everything was done that was asked for. */
  readonly hasFailed?: boolean
}

/** A command of the command line. */
export interface Command {
  readonly name: string
  /** The names of its parameters, all of which must be given. */
  readonly parameters: readonly string[]
  readonly summary: string
  readonly options: Readonly<Record<string, CommandOption>>
  run(call: CommandCall): Promise<Report>
}
