import type { Application, ChannelScope, Scope, WebsocketScope } from '../../shared/application.ts'
import { Consumer } from '../../shared/consumers/consumer.ts'
import type { Handles } from '../../shared/consumers/handlers.ts'
import type { Runtime } from '../../shared/gateway/runtime.ts'
import { createWorkerHandler } from '../../shared/gateway/worker-handler.ts'
import type { EventOf } from '../../shared/message.ts'
import { defineMiddleware } from '../../shared/middleware/define-middleware.ts'
import { ChannelNameRouter } from '../../shared/routing/channel-name-router.ts'
import { ProtocolTypeRouter } from '../../shared/routing/protocol-type-router.ts'

// Checked by `tsc` alone: each `@ts-expect-error` fails the build if the line below it compiles.

declare const websocket: Application<WebsocketScope>
declare const runtime: Runtime

interface PrintEvents {
  'page.print': { readonly page: number }
}

export class PrintConsumer extends Consumer<ChannelScope, PrintEvents> implements Handles<PrintEvents> {
  async pagePrint({ page }: EventOf<PrintEvents, 'page.print'>): Promise<void> {
    const id: string = this.scope.jobId
    await this.channelLayer.send(id, { type: 'page.print', page: page + 1 }, { delaySeconds: 60 })
    // @ts-expect-error there is no such event
    await this.channelLayer.send(id, { type: 'page.prnt', page })
    // @ts-expect-error a delay is a number of seconds
    await this.channelLayer.send(id, { type: 'page.print', page }, { delaySeconds: '60' })
    // @ts-expect-error a job keeps no state
    await this.connection.saveState({ set: {}, remove: [] })
  }
}

class UserConsumer extends Consumer<ChannelScope & { readonly user: string }> {
  greet(): string {
    return this.scope.user
  }
}

class CountConsumer extends Consumer<ChannelScope> {
  state = { count: 0 }
}

// Workers are routed by name, with options or without.
const router: Application<ChannelScope> = ChannelNameRouter({
  'pages-print': PrintConsumer.asApplication(),
  'pages-draft': { application: PrintConsumer.asApplication(), guarantee: 'at-most-once' },
})
// @ts-expect-error there is no such guarantee
ChannelNameRouter({ draft: { application: PrintConsumer.asApplication(), guarantee: 'exactly-once' } })
// @ts-expect-error a consumer that declares a state is none of a worker channel
ChannelNameRouter({ count: CountConsumer.asApplication() })

// What a worker needs of its scope is given by middleware, around it or around the router.
const userMiddleware = defineMiddleware({ name: 'user', connect: (_scope: Scope) => ({ user: 'ann' }) })
ProtocolTypeRouter({
  websocket,
  channel: ChannelNameRouter({ a: userMiddleware(UserConsumer.asApplication()) }),
})
ProtocolTypeRouter({
  websocket,
  channel: userMiddleware(ChannelNameRouter({ a: UserConsumer.asApplication() })),
})
// @ts-expect-error nobody gives it a user
ProtocolTypeRouter({ websocket, channel: ChannelNameRouter({ a: UserConsumer.asApplication() }) })

// A consumer of connections is no worker, and a worker is none of connections.
// @ts-expect-error it needs a connection
ProtocolTypeRouter({ websocket, channel: ChannelNameRouter({ a: websocket }) })
// @ts-expect-error it needs a job
ProtocolTypeRouter({ websocket: PrintConsumer.asApplication() })

// A worker handler asks for an application that serves jobs.
createWorkerHandler(ProtocolTypeRouter({ websocket, channel: router }), runtime)
// @ts-expect-error it serves connections alone
createWorkerHandler(websocket, runtime)
