import type { Application, RoutedScope } from '../../shared/application.ts'
import type { Broadcasts } from '../../shared/consumers/broadcasts.ts'
import type { Handles } from '../../shared/consumers/handlers.ts'
import { JsonWebsocketConsumer } from '../../shared/consumers/json-websocket-consumer.ts'
import { WebsocketConsumer } from '../../shared/consumers/websocket-consumer.ts'
import type { EventOf } from '../../shared/message.ts'

// Checked by `tsc` alone: each `@ts-expect-error` fails the build if the line below it compiles.

interface Own {
  'chat.kicked': { readonly reason: string }
}
interface All {
  'chat.message': { readonly text: string }
  'chat.user.left': { readonly userId: number }
}
type ChatEvents = Own & All
type ChatScope = RoutedScope<{ room: string }>

export class ChatConsumer extends JsonWebsocketConsumer<ChatScope, ChatEvents> implements Handles<Own> {
  static chatMessage({ text }: EventOf<ChatEvents, 'chat.message'>): object | undefined {
    return text === '' ? undefined : { text }
  }

  static async chatUserLeft({ userId }: EventOf<ChatEvents, 'chat.user.left'>): Promise<object> {
    // @ts-expect-error a static method has no consumer, so it cannot send
    await this.sendJson({ userId })
    return { userId }
  }

  async chatKicked({ reason }: EventOf<ChatEvents, 'chat.kicked'>): Promise<void> {
    await this.close(4001, reason)
  }

  override async receiveJson(): Promise<void> {
    await this.channelLayer.groupSend('room', { type: 'chat.message', text: 'hello' })
    // @ts-expect-error an event is typed whoever handles it
    await this.channelLayer.groupSend('room', { type: 'chat.message', text: 1 })
  }
}

export const application: Application<ChatScope> = (ChatConsumer satisfies Broadcasts<All>).asApplication()

// @ts-expect-error chat.kicked is no broadcast: it is handled by the consumer
export const wrong = (ChatConsumer satisfies Broadcasts<ChatEvents>).asApplication()

export class WrongPayload extends JsonWebsocketConsumer {
  static chatMessage({ text }: { readonly text: number }): object {
    return { text }
  }
  static chatUserLeft(): void {}
}
// @ts-expect-error chat.message carries a text, not a number
export const wrongPayload = (WrongPayload satisfies Broadcasts<All>).asApplication()

export class TextConsumer extends WebsocketConsumer {
  static chatMessage({ text }: EventOf<All, 'chat.message'>): string {
    return text
  }
  static async chatUserLeft(): Promise<undefined> {}
}
export const texts: readonly unknown[] = [
  (TextConsumer satisfies Broadcasts<All, string>).asApplication(),
  // @ts-expect-error a text consumer's handlers return text
  (ChatConsumer satisfies Broadcasts<All, string>).asApplication(),
]
