import { type IncomingMessage, validateHeaderValue } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocketServer } from 'ws'
import type { Clock } from '../shared/clock.ts'
import { MAX_MESSAGE_BYTES } from '../shared/limits.ts'
import type { Logger } from '../shared/logger.ts'
import { missingIdentitySource, readAuthorization } from './authorizer.ts'
import { Connection, type Ending } from './connection.ts'
import { sleepQuietly } from './deadlines.ts'
import {
  authorizerEvent,
  connectEvent,
  type ConnectionFacts,
  type HandshakeParts,
  handshakeHeaders,
  sourceIp,
} from './events.ts'
import type { Faults } from './faults.ts'
import { handshakeTarget, type HandshakeUrlRules } from './handshake-url.ts'
import { HeldUpgrade, upgradeMistake } from './held-upgrade.ts'
import { gatewayId } from './ids.ts'
import { type IntegrationResult, type Invoker, isCutByClose } from './invoker.ts'
import { type LambdaFunction, traceOf } from './lambda-function.ts'
import type { GatewayPolicies } from './policies.ts'
import { type ProxyResponse, readProxyResponse } from './proxy-response.ts'
import type { Routes } from './routes.ts'
import { shownUrl } from './shown.ts'

const MAX_URL_LENGTH = 4096

/** What a handshake needs of the gateway. */
export interface HandshakeOptions {
  readonly rules: HandshakeUrlRules
  readonly routes: Routes
  readonly authorizer: LambdaFunction | undefined
  readonly identitySources: readonly string[]
  readonly invoker: Invoker
  readonly policies: GatewayPolicies
  readonly faults: Faults
  readonly clock: Clock
  readonly logger: Logger
  /** Called as soon as the 101 is written, before any frame is read. */
  readonly opened: (connection: Connection) => void
  /** Called for a client that is not there any more although its `$connect` was accepted. */
  readonly vanished: (facts: ConnectionFacts, ending: Ending) => void
}

/** Turns upgrade requests into connections, holding each until its `$connect` has answered. */
export class Handshakes {
  readonly #options: HandshakeOptions
  readonly #server: WebSocketServer
  readonly #protocols = new WeakMap<IncomingMessage, string>()
  readonly #held = new Set<HeldUpgrade>()
  readonly #stop = new AbortController()

  constructor(options: HandshakeOptions) {
    this.#options = options
    // In a variable, because closeTimeout is known to ws but not yet to its types.
    const serverOptions = {
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: MAX_MESSAGE_BYTES,
      closeTimeout: options.policies.closeTimeoutMs,
    }
    this.#server = new WebSocketServer(serverOptions)
    this.#server.on('headers', (headers, request) => {
      const protocol = this.#protocols.get(request)
      if (protocol !== undefined) headers.push(`Sec-WebSocket-Protocol: ${protocol}`)
    })
  }

  /** Serves one upgrade request to its end: a connection, or an HTTP status. */
  async upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    if (this.#stop.signal.aborted) return void socket.destroy()
    const held = new HeldUpgrade(request, socket, head)
    this.#held.add(held)
    try {
      await this.#serve(held)
    } catch (error) {
      this.#options.logger.error(`the handshake of ${request.url ?? ''} failed`, { error: String(error) })
      socket.destroy()
    } finally {
      this.#held.delete(held)
    }
  }

  /** Drops the clients whose `$connect` has not returned, and whoever comes later. */
  close(): void {
    this.#stop.abort()
    for (const held of this.#held) held.socket.destroy()
  }

  async #serve(held: HeldUpgrade): Promise<void> {
    const { rules, policies, clock } = this.#options
    const { request } = held
    const url = request.url ?? '/'
    if (url.length > MAX_URL_LENGTH) {
      this.#logRefusal(policies.longUrlStatus, url, `${url.length} characters, at most ${MAX_URL_LENGTH}`)
      return held.reject(policies.longUrlStatus)
    }
    const target = handshakeTarget(url, rules)
    if (target.kind === 'forbidden') {
      this.#logRefusal(403, url, `no such stage or prefix; ${whereSocketsAre(rules)}`)
      return forbid(held)
    }
    const mistake = upgradeMistake(request)
    if (mistake !== undefined) {
      this.#logRefusal(400, url, mistake)
      return held.reject(400, { message: `Bad Request: ${mistake}` })
    }

    const parts = { headers: handshakeHeaders(request), query: target.query }
    const facts = await this.#authorize(held, newFacts(request, rules.stage, clock.now()), parts)
    if (facts === undefined) return undefined
    if (held.hasVanished) return void held.socket.destroy()
    const response = await this.#connect(held, facts, parts)
    if (response === undefined) return undefined
    return this.#open(held, facts, response)
  }

  /** Of a handshake that no function hears of: only this line tells. */
  #logRefusal(status: number, url: string, why: string): void {
    this.#options.logger.info(`refused ${status} ${shownUrl(url)}: ${why}`)
  }

  /** Asks the authorizer, if there is one; `undefined` after a refusal. */
  async #authorize(
    held: HeldUpgrade,
    facts: ConnectionFacts,
    parts: HandshakeParts,
  ): Promise<ConnectionFacts | undefined> {
    const { authorizer, identitySources, invoker, clock, logger } = this.#options
    if (authorizer === undefined) return facts
    const missing = missingIdentitySource(identitySources, parts)
    if (missing !== undefined) {
      this.#logRefusal(401, held.request.url ?? '', `the identity source ${missing} is missing`)
      held.reject(401, { message: 'Unauthorized' })
      return undefined
    }
    const startedAt = clock.now()
    const result = await invoker.integrate(authorizer, authorizerEvent(facts, parts, startedAt))
    const authorization = readAuthorization(result, facts.stage, clock.now() - startedAt)
    if (authorization.kind === 'allow') return { ...facts, authorizer: authorization.context }
    const level = authorization.status === 500 ? 'error' : 'info'
    logger[level](`handshake refused with ${authorization.status}: ${authorization.why}`)
    held.reject(authorization.status, { message: REFUSALS[authorization.status] })
    return undefined
  }

  /** Runs `$connect`; `undefined` after a refusal. */
  async #connect(
    held: HeldUpgrade,
    facts: ConnectionFacts,
    parts: HandshakeParts,
  ): Promise<ProxyResponse | undefined> {
    const { routes, invoker, clock } = this.#options
    const target = routes.function('$connect')
    if (target === undefined) return { statusCode: 200, body: undefined, headers: new Map() }
    const result = await invoker.integrate(target, connectEvent(facts, parts, clock.now()))
    const response = this.#readResponse(held, facts, result)
    if (response === undefined || isSuccess(response)) return response
    held.reject(response.statusCode)
    return undefined
  }

  #readResponse(
    held: HeldUpgrade,
    facts: ConnectionFacts,
    result: IntegrationResult,
  ): ProxyResponse | undefined {
    const { logger, policies } = this.#options
    const about = { connectionId: facts.connectionId }
    if (result.kind === 'integration-timeout') {
      logger.error(`$connect did not return within ${result.timeoutMs} ms`, about)
      held.reject(policies.connectTimeoutStatus, { message: 'Endpoint request timed out' })
      return undefined
    }
    const response = readProxyResponse(result)
    if (typeof response !== 'string' && isHeaderValue(subprotocolOf(response))) return response
    const why =
      typeof response === 'string' ? response : 'the function returned a subprotocol that is no header value'
    if (!isCutByClose(result)) logger.error(`$connect: ${why}`, { ...about, ...traceOf(result) })
    held.reject(502, { message: 'Internal server error' })
    return undefined
  }

  async #open(held: HeldUpgrade, facts: ConnectionFacts, response: ProxyResponse): Promise<void> {
    const { clock, faults, opened } = this.#options
    if (faults.openLateMs > 0) await sleepQuietly(clock, faults.openLateMs, this.#stop.signal)
    const head = held.release()
    const { request, socket } = held
    if (held.hasVanished || !socket.readable || !socket.writable) return this.#giveUp(held, facts)
    const protocol = subprotocolOf(response)
    if (protocol !== undefined) this.#protocols.set(request, protocol)
    // ws would choose among the offered ones by itself; API Gateway never does.
    delete request.headers['sec-websocket-protocol']
    const connection = new Connection(facts, socket, clock.now())
    this.#server.handleUpgrade(request, socket, head, (ws) => {
      connection.attach(ws)
      opened(connection)
      socket.resume()
    })
    return undefined
  }

  #giveUp(held: HeldUpgrade, facts: ConnectionFacts): void {
    held.socket.destroy()
    this.#options.vanished(facts, { code: 1006, reason: 'Connection Closed Abnormally' })
  }
}

const REFUSALS = { 401: 'Unauthorized', 403: 'Forbidden', 500: 'Internal server error' } as const

function forbid(held: HeldUpgrade): void {
  held.reject(403, { message: 'Forbidden' }, ['x-amzn-ErrorType: ForbiddenException'])
}

function whereSocketsAre({ socketPathPrefix, stage }: HandshakeUrlRules): string {
  return `sockets are below ${socketPathPrefix} or at /${stage}?path=…`
}

function newFacts(request: IncomingMessage, stage: string, now: number): ConnectionFacts {
  const userAgent = request.headers['user-agent']
  return {
    connectionId: gatewayId(),
    connectedAt: now,
    identity: { ...(userAgent !== undefined && { userAgent }), sourceIp: sourceIp(request) },
    domainName: request.headers.host ?? '',
    stage,
  }
}

function isSuccess(response: ProxyResponse): boolean {
  return response.statusCode < 300
}

function subprotocolOf(response: ProxyResponse): string | undefined {
  return response.headers.get('sec-websocket-protocol')
}

function isHeaderValue(value: string | undefined): boolean {
  if (value === undefined) return true
  try {
    validateHeaderValue('Sec-WebSocket-Protocol', value)
    return true
  } catch {
    // node:http has no question form of this check.
    return false
  }
}
