import type { Clock } from '../shared/clock.ts'
import type { Logger } from '../shared/logger.ts'
import { type Connection, type ConnectionListener, type Ending, endings } from './connection.ts'
import { sleepQuietly } from './deadlines.ts'
import { type ConnectionFacts, disconnectEvent, messageEvent } from './events.ts'
import type { Faults } from './faults.ts'
import { gatewayId } from './ids.ts'
import { type IntegrationResult, type Invoker, isCutByClose } from './invoker.ts'
import { traceOf } from './lambda-function.ts'
import type { GatewayPolicies } from './policies.ts'
import { readProxyResponse } from './proxy-response.ts'
import type { Route, Routes } from './routes.ts'

/** What the connections need of the gateway. */
export interface ConnectionsOptions {
  readonly routes: Routes
  readonly invoker: Invoker
  readonly policies: GatewayPolicies
  readonly faults: Faults
  readonly clock: Clock
  readonly logger: Logger
}

/** The open connections: messages in, `$disconnect` at the end, idle and age limits. */
export class Connections implements ConnectionListener {
  readonly #options: ConnectionsOptions
  readonly #open = new Map<string, Connection>()
  readonly #stop = new AbortController()
  #emptyWaiters: (() => void)[] = []

  constructor(options: ConnectionsOptions) {
    this.#options = options
  }

  get count(): number {
    return this.#open.size
  }

  /** Ids of all open connections. */
  ids(): string[] {
    return [...this.#open.keys()]
  }

  /** The connection under `id`, if frames can be sent to it. */
  get(id: string): Connection | undefined {
    const connection = this.#open.get(id)
    return connection?.isOpen === true ? connection : undefined
  }

  add(connection: Connection): void {
    this.#open.set(connection.id, connection)
    connection.listen(this)
    if (this.#options.policies.pingsResetIdle) {
      connection.onPing(() => {
        connection.lastActiveAt = this.#options.clock.now()
      })
    }
    void this.#limitLife(connection)
  }

  message(connection: Connection, text: string): void {
    const { routes, clock } = this.#options
    const now = clock.now()
    connection.lastActiveAt = now
    const route = routes.forMessage(text)
    if (route === undefined) return reply(connection, 'Forbidden', gatewayId())
    void this.#integrate(
      connection,
      route,
      messageEvent(connection.facts, { routeKey: route.key, body: text }, now),
    )
  }

  closed(connection: Connection, ending: Ending): void {
    this.#open.delete(connection.id)
    this.disconnect(connection.facts, ending)
    if (this.#open.size === 0) for (const wake of this.#emptyWaiters.splice(0)) wake()
  }

  /** Invokes `$disconnect`, as far as the faults let it. */
  disconnect(facts: ConnectionFacts, ending: Ending): void {
    const { faults, routes, invoker } = this.#options
    const target = routes.function('$disconnect')
    if (target === undefined || faults.loseDisconnect) return
    const delayMs = faults.delayDisconnectMs
    const times = faults.duplicateDisconnect ? 2 : 1
    void invoker.track(async () => {
      if (delayMs > 0) await sleepQuietly(this.#options.clock, delayMs, this.#stop.signal)
      for (let time = 0; time < times; time += 1) {
        const event = disconnectEvent(facts, ending, this.#options.clock.now())
        const result = await invoker.integrate(target, event)
        const response = result.kind === 'integration-timeout' ? TIMED_OUT : readProxyResponse(result)
        if (typeof response === 'string') this.#logFailure('$disconnect', facts, { why: response, result })
      }
    })
  }

  /** Closes every connection with 1001. */
  closeAll(): void {
    for (const connection of this.#open.values()) connection.end(endings.goingAway)
  }

  /** Resolves when there is no connection. */
  async empty(): Promise<void> {
    while (this.#open.size > 0) await new Promise<void>((resolve) => this.#emptyWaiters.push(resolve))
  }

  /** Drops every connection that is still there, and stops the timers. */
  destroy(): void {
    this.#stop.abort()
    for (const connection of this.#open.values()) connection.destroy()
  }

  async #integrate(
    connection: Connection,
    route: Route,
    event: ReturnType<typeof messageEvent>,
  ): Promise<void> {
    const result = await this.#options.invoker.integrate(route.target, event)
    const { requestId } = event.requestContext
    if (result.kind === 'integration-timeout') {
      this.#logFailure(route.key, connection.facts, { why: TIMED_OUT, result })
      return reply(connection, 'Endpoint request timed out', requestId)
    }
    const response = readProxyResponse(result)
    if (typeof response === 'string') {
      this.#logFailure(route.key, connection.facts, { why: response, result })
      return reply(connection, 'Internal server error', requestId)
    }
    // The status is ignored, as by API Gateway.
    if (route.isTwoWay && response.body && connection.isOpen) connection.send(Buffer.from(response.body))
    return undefined
  }

  #logFailure(
    routeKey: string,
    facts: ConnectionFacts,
    failure: { why: string; result: IntegrationResult },
  ): void {
    const { result, why } = failure
    if (isCutByClose(result)) return
    this.#options.logger.error(`${routeKey}: ${why}`, {
      connectionId: facts.connectionId,
      ...traceOf(result),
    })
  }

  // Traffic only moves lastActiveAt; the sleep is taken up again until the time really is over.
  async #limitLife(connection: Connection): Promise<void> {
    const { clock, policies } = this.#options
    for (;;) {
      const idleAt = connection.lastActiveAt + policies.idleTimeoutMs
      const endAt = Math.min(idleAt, connection.facts.connectedAt + policies.maxConnectionMs)
      if (connection.gone.aborted) return
      if (endAt <= clock.now()) return connection.end(endings.goingAway)
      await sleepQuietly(clock, endAt - clock.now(), connection.gone)
    }
  }
}

const TIMED_OUT = 'the function did not return within the integration time-out'

// Exact spacing as API Gateway sends it.
function reply(connection: Connection, message: string, requestId: string): void {
  if (!connection.isOpen) return
  connection.send(
    Buffer.from(`{"message": "${message}", "connectionId":"${connection.id}", "requestId":"${requestId}"}`),
  )
}
