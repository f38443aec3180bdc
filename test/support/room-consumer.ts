import { WebsocketConsumer } from '../../shared/consumers/websocket-consumer.ts'
import type { EventOf } from '../../shared/message.ts'

/** Events of a {@link RoomConsumer}. */
export interface RoomEvents {
  'room.say': { readonly text: string }
}

/** Joins `room`, tells it what its client sends, and tells its client what the room is told. */
export class RoomConsumer extends WebsocketConsumer {
  override readonly groups: readonly string[] = ['room']

  override async receive(text: string): Promise<void> {
    await this.channelLayer.groupSend('room', { type: 'room.say', text })
  }

  async roomSay({ text }: EventOf<RoomEvents, 'room.say'>): Promise<void> {
    await this.send(text)
  }
}
