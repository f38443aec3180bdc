import { WebsocketConsumer } from '../consumers/websocket-consumer.ts'
import { hideFromEvents } from '../consumers/handlers.ts'

/** Refuses every handshake with 403. */
export class WebsocketDenier extends WebsocketConsumer {
  override async connect(): Promise<void> {
    await this.close()
  }
}

hideFromEvents(WebsocketDenier)
