import type { LambdaFunction } from '../../../local/index.ts'
import { inProcessFunction, type LocalGateway, startLocalGateway } from '../../../local/index.ts'
import { SQSDeliveryQueue } from '../../../shared/backends/sqs/sqs-delivery-queue.ts'
import { createDeliveryHandler } from '../../../shared/gateway/delivery-handler.ts'
import { FastPoster } from '../../../shared/gateway/fast-poster.ts'
import { Runtime, type RuntimeOptions } from '../../../shared/gateway/runtime.ts'
import { createWebsocketHandler } from '../../../shared/gateway/websocket-handler.ts'
import type { FanOutLimits } from '../../../shared/layers/delivery.ts'
import { FakeLogger } from '../../support/fake-connection.ts'
import { chaosApplication as application } from './chaos-application.ts'
import { cutOff } from './cut-off.ts'
import { HurriedClock } from './hurried-clock.ts'
import { QueueLog } from './queue-log.ts'
import type { ChaosStore, MakeChaosStore } from './stores.ts'

/** How much faster than the machine's a world's time goes: the 30 s of grace are 3 s. */
const SPEED = 10

/** Longer than a 410 needs to be a proof. */
const GRACE_MS = 31_000

const region = 'us-east-1'
const credentials = { accessKeyId: 'local', secretAccessKey: 'local' }

/** Options of {@link startChaosWorld}. */
export interface ChaosWorldOptions {
  readonly makeStore: MakeChaosStore
  /** Members in a page of the store. Default 1000. */
  readonly pageSize?: number
  readonly fanOut?: Partial<FanOutLimits>
  /** How often a queue message may fail before it is a dead letter. The gateway's default by default. */
  readonly maxReceiveCount?: number
}

/** The functions behind a local gateway, over a store in trouble, with real sockets at both ends and a fast clock. */
export class ChaosWorld implements AsyncDisposable {
  readonly clock: HurriedClock
  readonly store: ChaosStore
  readonly logger: FakeLogger = new FakeLogger()
  readonly counts: Map<string, number> = new Map()
  readonly queueLog: QueueLog = new QueueLog()
  readonly gateway: LocalGateway
  readonly #poster: FastPoster
  readonly #options: RuntimeOptions
  #runtime: Runtime

  private constructor(parts: {
    readonly clock: HurriedClock
    readonly store: ChaosStore
    readonly gateway: LocalGateway
    readonly fanOut: Partial<FanOutLimits>
  }) {
    const { clock, store, gateway, fanOut } = parts
    this.clock = clock
    this.store = store
    this.gateway = gateway
    const endpoint = gateway.managementEndpoint
    this.#poster = new FastPoster({ endpoint, region, clock, credentials: async () => credentials })
    this.#options = {
      store: store.store,
      queue: new SQSDeliveryQueue({
        queueUrl: gateway.queueUrl,
        client: { endpoint: gateway.url, region, credentials },
      }),
      createPoster: () => this.#poster,
      endpoint,
      region,
      logger: this.logger,
      clock,
      fanOut,
      metrics: { count: (name, value) => void this.counts.set(name, (this.counts.get(name) ?? 0) + value) },
    }
    this.#runtime = new Runtime(this.#options)
  }

  static async start(options: ChaosWorldOptions): Promise<ChaosWorld> {
    const { makeStore, pageSize = 1_000, fanOut = {}, maxReceiveCount } = options
    const clock = new HurriedClock(SPEED)
    const store = await makeStore(clock, pageSize)
    const started = Promise.withResolvers<ChaosWorld>()
    const gateway = await startLocalGateway({
      clock,
      logger: new FakeLogger(),
      policies: maxReceiveCount === undefined ? {} : { maxReceiveCount },
      functions: {
        websocket: inProcessFunction(async (event: object, context) =>
          createWebsocketHandler(application, (await started.promise).#runtime)(event, context),
        ),
        delivery: {
          invoke: async (event, options) => (await started.promise).#deliver(event, options?.signal),
        },
      },
    })
    const world = new ChaosWorld({ clock, store, gateway, fanOut })
    started.resolve(world)
    return world
  }

  /** From now on another container serves. */
  coldStart(): void {
    this.#runtime = new Runtime(this.#options)
  }

  url(path: 'member' | 'witness'): string {
    return this.gateway.websocketUrl + `?path=/ws/${path}/`
  }

  /** Ends all faults, and lets time pass until nothing is under way and every 410 is a proof. */
  async calm(): Promise<void> {
    this.gateway.faults.clear()
    this.store.clearFaults()
    this.clock.jump(GRACE_MS)
    await this.idle()
  }

  /** Resolves when nothing is under way; what waits in the queue does not wait for long. */
  async idle(): Promise<void> {
    const idle = this.gateway.idle().then(() => true)
    const tick = (): Promise<false> => new Promise((resolve) => setTimeout(() => resolve(false), 25))
    while (!(await Promise.race([idle, tick()]))) this.clock.jump(2_000)
  }

  count(name: string): number {
    return this.counts.get(name) ?? 0
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.gateway.close()
    this.#poster.destroy()
    await this.store[Symbol.asyncDispose]()
  }

  /** A delivery that is killed is cut off from the world; what it had begun it never hears of. */
  #deliver(event: object, signal: AbortSignal | undefined): ReturnType<LambdaFunction['invoke']> {
    this.queueLog.add(event)
    const runtime = signal === undefined ? this.#runtime : this.#mortalRuntime(signal)
    const handler = createDeliveryHandler(application, runtime)
    return inProcessFunction(handler).invoke(event, { signal })
  }

  #mortalRuntime(signal: AbortSignal): Runtime {
    const { store, queue } = this.#options
    return new Runtime({
      ...this.#options,
      store: cutOff(store, signal),
      queue: cutOff(queue, signal),
      createPoster: () => cutOff(this.#poster, signal),
    })
  }
}
