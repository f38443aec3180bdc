import type { Application, RoutedScope, WebsocketScope } from '../../shared/application.ts'
import type { ChannelLayer } from '../../shared/channel-layer.ts'
import type { HandlerName, Handles } from '../../shared/consumers/handlers.ts'
import { type ContentSchema, JsonWebsocketConsumer } from '../../shared/consumers/json-websocket-consumer.ts'
import { WebsocketConsumer } from '../../shared/consumers/websocket-consumer.ts'
import type { EventMap, EventOf } from '../../shared/message.ts'
import { path } from '../../shared/routing/path.ts'
import { UrlRouter } from '../../shared/routing/url-router.ts'

// Checked by `tsc` alone: each `@ts-expect-error` fails the build if the line below it compiles.

interface ChatEvents {
  'chat.message': { readonly text: string }
  'chat.user.left': { readonly userId: number }
}

type ChatScope = RoutedScope<{ room: string }>

export class ChatConsumer
  extends JsonWebsocketConsumer<ChatScope, ChatEvents>
  implements Handles<ChatEvents>
{
  override state: { count: number; name?: string } = { count: 0 }

  override async connect(): Promise<void> {
    const room: string = this.scope.urlRoute.kwargs.room
    // @ts-expect-error the route has no such parameter
    const id: string = this.scope.urlRoute.kwargs.id
    await this.channelLayer.groupAdd(room + id, this.channelName)
    // @ts-expect-error accept() takes a subprotocol, not a status
    await this.accept(200)
  }

  override async receiveJson(): Promise<void> {
    await this.updateState((state) => ({ ...state, count: state.count + 1 }))
    // @ts-expect-error the state has no such key
    await this.updateState((state) => ({ ...state, count: state.cuont + 1 }))
    // @ts-expect-error the count is a number
    await this.updateState(() => ({ count: 'one' }))
    // @ts-expect-error an update gives the whole state
    await this.updateState(() => ({ name: 'ann' }))
    // @ts-expect-error bytes cannot be sent
    await this.send(new Uint8Array(1))

    await this.channelLayer.groupSend('room', { type: 'chat.message', text: 'hello' })
    // @ts-expect-error the type is misspelt
    await this.channelLayer.groupSend('room', { type: 'chat.mesage', text: 'hello' })
    // @ts-expect-error the text is missing
    await this.channelLayer.groupSend('room', { type: 'chat.message' })
    // @ts-expect-error this is the payload of another type
    await this.channelLayer.send(this.channelName, { type: 'chat.user.left', text: 'hello' })
    // @ts-expect-error to exclude takes channel names
    await this.channelLayer.groupSend('room', { type: 'chat.message', text: '' }, { exclude: [1] })
  }

  async chatMessage({ text }: EventOf<ChatEvents, 'chat.message'>): Promise<void> {
    await this.sendJson({ text })
    // @ts-expect-error this event has no userId
    await this.sendJson(({} as EventOf<ChatEvents, 'chat.message'>).userId)
  }

  async chatUserLeft({ userId }: EventOf<ChatEvents, 'chat.user.left'>): Promise<void> {
    const id: number = userId
    await this.sendJson({ id })
  }
}

// @ts-expect-error the handler of chat.user.left is missing
export class Incomplete extends WebsocketConsumer implements Handles<ChatEvents> {
  async chatMessage(): Promise<void> {}
}

// An `implements` that the class breaks is reported at the member that breaks it.
export class WrongPayload extends WebsocketConsumer implements Handles<ChatEvents> {
  // @ts-expect-error chat.message carries a text, not a number
  async chatMessage(_event: { readonly text: number }): Promise<void> {}
  async chatUserLeft(): Promise<void> {}
}

export class Untyped extends WebsocketConsumer {
  override async receive(text: string): Promise<void> {
    // Without an event map a layer takes any message, as in Channels.
    await this.channelLayer.groupSend('room', { type: 'anything.goes', text, list: [1, null] })
    // @ts-expect-error but a message has a type
    await this.channelLayer.groupSend('room', { text })
  }
}

export class Configured extends WebsocketConsumer {
  readonly greeting: string
  constructor(greeting: string) {
    super()
    this.greeting = greeting
  }
}

export const configured = Configured.asApplication('hello')
// @ts-expect-error the constructor's argument is missing
export const unconfigured = Configured.asApplication()

export const router = UrlRouter([path('chat/<slug:room>/', ChatConsumer.asApplication())])
// @ts-expect-error the consumer asks for `room`, which this path does not capture
export const wrongRouter: Application<WebsocketScope> = UrlRouter([
  path('chat/<slug:name>/', ChatConsumer.asApplication()),
])
// @ts-expect-error the consumer asks for a string, the path gives a number
export const numericRouter = UrlRouter([path('chat/<int:room>/', ChatConsumer.asApplication())])

declare const layer: ChannelLayer<ChatEvents>
export const sent: Promise<void> = layer.send('a=', { type: 'chat.user.left', userId: 1 })
export const name: HandlerName<'chat.user.left'> = 'chatUserLeft'
// @ts-expect-error that is not the method that the type runs
export const wrongName: HandlerName<'chat.user.left'> = 'chat_user_left'

interface Greeting {
  readonly text: string
}
declare const greetings: ContentSchema<Greeting>

export class Checked extends JsonWebsocketConsumer<WebsocketScope, EventMap, Greeting> {
  override readonly contentSchema = greetings
  override async receiveJson({ text }: Greeting): Promise<void> {
    await this.send(text)
  }
}
export class Unknowing extends JsonWebsocketConsumer {
  override async receiveJson(content: unknown): Promise<void> {
    await this.sendJson(content)
  }
}
export class Believing extends JsonWebsocketConsumer<WebsocketScope, EventMap, Greeting> {
  override async receiveJson({ text }: Greeting): Promise<void> {
    await this.send(text)
  }
}
export class BelievingByMethod extends JsonWebsocketConsumer {
  override async receiveJson({ text }: Greeting): Promise<void> {
    await this.send(text)
  }
}
export const believers: readonly unknown[] = [
  Checked.asApplication(),
  Unknowing.asApplication(),
  // @ts-expect-error no contentSchema has checked what receiveJson() takes
  Believing.asApplication(),
  // @ts-expect-error the same, without the type parameter
  BelievingByMethod.asApplication(),
]

interface Tree {
  readonly children?: readonly Tree[]
}
export class Keeping extends WebsocketConsumer {
  override state: { tree: Tree; any: unknown; list: (string | null)[] } = { tree: {}, any: 1, list: [] }
}
export class KeepingDate extends WebsocketConsumer {
  override state = { since: new Date() }
}
export class KeepingMap extends WebsocketConsumer {
  override state = { seen: [new Map<string, number>()] }
}
export class KeepingBigint extends WebsocketConsumer {
  override state = { deep: { id: 1n } }
}
export class Telling extends WebsocketConsumer<WebsocketScope, ChatEvents> {}
export class TellingDate extends WebsocketConsumer<WebsocketScope, { 'chat.message': { at: Date } }> {}
export const keepers: readonly unknown[] = [
  Keeping.asApplication(),
  Telling.asApplication(),
  // @ts-expect-error JSON has no Date
  KeepingDate.asApplication(),
  // @ts-expect-error JSON has no Map
  KeepingMap.asApplication(),
  // @ts-expect-error JSON has no bigint
  KeepingBigint.asApplication(),
  // @ts-expect-error an event cannot carry a Date
  TellingDate.asApplication(),
]
