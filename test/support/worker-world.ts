import type { Application, ChannelScope, WebsocketScope } from '../../shared/application.ts'
import type { ChannelLayer } from '../../shared/channel-layer.ts'
import type { LambdaContext } from '../../shared/gateway/deadline.ts'
import { Invocation } from '../../shared/gateway/invocation.ts'
import type { BatchResult } from '../../shared/gateway/queue-event.ts'
import type { RuntimeOptions } from '../../shared/gateway/runtime.ts'
import { createWorkerHandler } from '../../shared/gateway/worker-handler.ts'
import { ChannelNameRouter, type WorkerRoutes } from '../../shared/routing/channel-name-router.ts'
import { ProtocolTypeRouter } from '../../shared/routing/protocol-type-router.ts'
import { GatewayWorld } from './gateway-world.ts'
import { RoomConsumer } from './room-consumer.ts'

const endpoint = 'https://abc.execute-api.eu-west-1.amazonaws.com/prod'

/** A world with a room and worker channels. */
export class WorkerWorld extends GatewayWorld {
  readonly #application: Application<ChannelScope | WebsocketScope>

  constructor(application: Application<ChannelScope | WebsocketScope>, runtime: Partial<RuntimeOptions>) {
    super({ application, runtime: { endpoint, ...runtime } })
    this.#application = application
  }

  /** Runs the worker handler once, on all jobs that are due. */
  work(context?: LambdaContext): Promise<BatchResult> {
    return this.workOn(this.jobs.take(), context)
  }

  /** Runs the worker handler on this event. */
  workOn(event: unknown, context?: LambdaContext): Promise<BatchResult> {
    return createWorkerHandler(this.#application, this.runtime)(event, context)
  }

  /** The channel layer as the application has it in an event. */
  get layer(): ChannelLayer {
    const { runtime } = this
    const invocation = new Invocation({
      runtime,
      application: this.#application,
      endpoint,
      context: undefined,
    })
    return invocation.contextOf({ type: 'test' }, {}).channelLayer('default')
  }
}

/** A world with these worker channels. */
export function workerWorld(routes: WorkerRoutes, runtime: Partial<RuntimeOptions> = {}): WorkerWorld {
  const application = ProtocolTypeRouter({
    websocket: RoomConsumer.asApplication(),
    channel: ChannelNameRouter(routes),
  })
  return new WorkerWorld(application, runtime)
}

/** A job as it stands in a queue. */
export function jobBody(channel: string, message: object, id = 'job-a'): string {
  return JSON.stringify({ id, channel, message })
}

/** A batch of SQS: message ids are m0, m1 and so on. */
export function batchOf(bodies: readonly string[], receiveCount = 1): object {
  const attributes = { ApproximateReceiveCount: String(receiveCount) }
  return { Records: bodies.map((body, index) => ({ messageId: `m${index}`, body, attributes })) }
}

/** The ids of the messages that are to be delivered again. */
export function failuresOf({ batchItemFailures }: BatchResult): readonly string[] {
  return batchItemFailures.map(({ itemIdentifier }) => itemIdentifier)
}
