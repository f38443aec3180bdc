import type { Clock } from '../shared/clock.ts'
import { WebsocketConsumer } from '../shared/consumers/websocket-consumer.ts'
import { createDeliveryHandler } from '../shared/gateway/delivery-handler.ts'
import type { Poster } from '../shared/gateway/poster.ts'
import { Runtime } from '../shared/gateway/runtime.ts'
import { createWebsocketHandler } from '../shared/gateway/websocket-handler.ts'
import type { ChannelStore } from '../shared/stores/channel-store.ts'
import { messageEvent } from '../test/support/websocket-events.ts'
import { connectionId } from './large-group.ts'
import { WorkerQueue } from './worker-queue.ts'

/** How the members of a group are reached. */
export type Way = 'frame' | 'broadcast' | 'handler'

const TEXT = JSON.stringify({ type: 'chat', text: 'hello'.padEnd(170, '.') })

/** What is longest for a function behind API Gateway, and a usual time-out for a worker, in milliseconds. */
const SENDER_MS = 29_000
const WORKER_MS = 60_000
/** What a call of the queue takes, and the way from the queue to a worker, in milliseconds. */
const QUEUE_MS = 10

class Member extends WebsocketConsumer {
  override async receive(order: string): Promise<void> {
    const [way = '', group = ''] = order.split(' ')
    if (way === 'frame') await this.channelLayer.groupSendFrame(group, TEXT)
    else await this.channelLayer.groupSend(group, { type: `chat.${way}`, text: TEXT })
  }

  async chatHandler({ text }: { readonly text: string }): Promise<void> {
    await this.send(text)
  }

  static chatBroadcast({ text }: { readonly text: string }): string {
    return text
  }
}

/** What a {@link FanOutRig} is made with. */
export interface FanOutRigOptions {
  readonly clock: Clock
  readonly store: ChannelStore
  readonly workers: number
  readonly createPoster: () => Poster
}

/** The functions of an application: one sender and some delivery workers behind a queue, each with a container of its own. */
export class FanOutRig {
  readonly queue: WorkerQueue
  /** What was counted in all containers. */
  readonly counts: Map<string, number> = new Map()
  readonly #options: FanOutRigOptions
  readonly #application = Member.asApplication()
  readonly #posters: Poster[] = []
  readonly #sender: Runtime

  constructor(options: FanOutRigOptions) {
    this.#options = options
    this.queue = new WorkerQueue({ clock: options.clock, latencyMs: QUEUE_MS, timeoutMs: WORKER_MS })
    this.#sender = this.#container()
    for (let worker = 0; worker < options.workers; worker++)
      this.queue.connect(createDeliveryHandler(this.#application, this.#container()))
  }

  /** Sends to a group from the first connection; resolves when everybody is served, and the queue is empty. */
  async send(way: Way, group = 'all'): Promise<void> {
    const { clock } = this.#options
    const end = clock.now() + SENDER_MS
    const handle = createWebsocketHandler(this.#application, this.#sender)
    await handle(messageEvent(connectionId(0), `${way} ${group}`, { connectedAt: clock.now() - 60_000 }), {
      getRemainingTimeInMillis: () => end - clock.now(),
    })
    await this.queue.drained()
    for (const poster of this.#posters) poster.destroy()
  }

  #container(): Runtime {
    const { store, clock, createPoster } = this.#options
    return new Runtime({
      store,
      queue: this.queue,
      clock,
      region: 'eu-west-1',
      createPoster: () => {
        const poster = createPoster()
        this.#posters.push(poster)
        return poster
      },
      logger: {
        debug() {},
        info() {},
        warn: (message, about) => console.log('warning:', message, about),
        error: (message, about) => console.log('error:', message, about),
      },
      metrics: { count: (name, value) => void this.counts.set(name, (this.counts.get(name) ?? 0) + value) },
    })
  }
}

/** @throws if any member got nothing, or got it twice */
export function requireOnce(posts: Uint8Array): void {
  const wrong = posts.findIndex((count) => count !== 1)
  if (wrong === -1) return
  const missed = posts.filter((count) => count === 0).length
  const twice = posts.filter((count) => count > 1).length
  throw new Error(
    `of ${posts.length} members ${missed} got nothing and ${twice} got it more than once, ${connectionId(wrong)} first of all`,
  )
}
