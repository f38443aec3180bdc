import type { Logger } from '../../../shared/logger.ts'
import {
  type InProcessOptions,
  inProcessFunction,
  type LocalFunctions,
  type LocalGateway,
  type LocalGatewayOptions,
  startLocalGateway,
} from '../../../local/index.ts'

/** An event, as far as the tests look into it. */
export interface WebsocketEvent {
  readonly headers?: Readonly<Record<string, string>>
  readonly multiValueHeaders?: Readonly<Record<string, readonly string[]>>
  readonly queryStringParameters?: Readonly<Record<string, string>>
  readonly multiValueQueryStringParameters?: Readonly<Record<string, readonly string[]>>
  readonly requestContext: Readonly<Record<string, unknown>> & {
    readonly routeKey: string
    readonly eventType: 'CONNECT' | 'MESSAGE' | 'DISCONNECT'
    readonly connectionId: string
    readonly requestId: string
    readonly disconnectStatusCode?: number
    readonly disconnectReason?: string
  }
  readonly body?: string
}

/** What a test's function does, by kind of event. What is not given answers 200. */
export interface Behaviour {
  readonly connect?: (event: WebsocketEvent) => unknown
  readonly message?: (event: WebsocketEvent) => unknown
  readonly disconnect?: (event: WebsocketEvent) => unknown
}

/** One line of the gateway's log. */
export interface LogLine {
  readonly level: keyof Logger
  readonly message: string
  readonly details: object | undefined
}

type Options = Omit<LocalGatewayOptions, 'functions' | 'logger'> & {
  readonly functions?: Omit<LocalFunctions, 'websocket'>
  readonly lambda?: InProcessOptions
}

/** A gateway whose function remembers its events, and whose log can be read. */
export class RecordedApi {
  readonly gateway: LocalGateway
  readonly events: WebsocketEvent[]
  readonly log: LogLine[]
  readonly #changed: Set<() => void>

  constructor(parts: {
    gateway: LocalGateway
    events: WebsocketEvent[]
    log: LogLine[]
    changed: Set<() => void>
  }) {
    this.gateway = parts.gateway
    this.events = parts.events
    this.log = parts.log
    this.#changed = parts.changed
  }

  /** Starts a gateway on any free port. */
  static async start(behaviour: Behaviour = {}, options: Options = {}): Promise<RecordedApi> {
    const events: WebsocketEvent[] = []
    const log: LogLine[] = []
    const changed = new Set<() => void>()
    const websocket = inProcessFunction(async (event: WebsocketEvent) => {
      events.push(event)
      for (const wake of changed) wake()
      const kind = event.requestContext.eventType.toLowerCase() as keyof Behaviour
      const handle = behaviour[kind]
      return handle ? await handle(event) : { statusCode: 200 }
    }, options.lambda)
    const note =
      (level: keyof Logger) =>
      (message: string, details?: object): void => {
        log.push({ level, message, details })
        for (const wake of changed) wake()
      }
    const logger: Logger = {
      debug: note('debug'),
      info: note('info'),
      warn: note('warn'),
      error: note('error'),
    }
    const { functions, lambda: _lambda, ...rest } = options
    const gateway = await startLocalGateway({ ...rest, logger, functions: { ...functions, websocket } })
    return new RecordedApi({ gateway, events, log, changed })
  }

  /** URL of the management API for one connection. */
  managementUrl(connectionId: string): string {
    return `${this.gateway.managementEndpoint}/@connections/${connectionId}`
  }

  /** Waits until an event of this kind has come, and returns the last one. */
  async event(kind: WebsocketEvent['requestContext']['eventType'], count = 1): Promise<WebsocketEvent> {
    const found = (): WebsocketEvent[] =>
      this.events.filter(({ requestContext }) => requestContext.eventType === kind)
    await this.until(() => found().length >= count)
    return found()[count - 1] ?? fail(`there is no ${kind} event`)
  }

  /** Waits until `condition` holds, which must depend on events or the log. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          this.#changed.delete(wake)
          resolve()
        }
        this.#changed.add(wake)
      })
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.gateway.close()
  }
}

/** Polls until `condition` holds: for what no event announces. */
export async function eventually(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 5))
}

/** A promise that the test opens. */
export class Gate {
  readonly opened: Promise<void>
  readonly open: () => void

  constructor() {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.opened = promise
    this.open = resolve
  }
}

function fail(message: string): never {
  throw new Error(message)
}
