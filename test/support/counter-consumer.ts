import { WebsocketConsumer } from '../../shared/consumers/websocket-consumer.ts'
import type { JsonObject } from '../../shared/message.ts'
import { GatewayWorld } from './gateway-world.ts'

/** What a {@link CounterConsumer} keeps. */
export interface CounterState {
  count: number
  name?: string
  color?: string
}

/** What a test lets the consumer do in one event. */
export type Act = (consumer: CounterConsumer, text: string) => Promise<void> | void

/** Does to its state what the test says. */
export class CounterConsumer extends WebsocketConsumer {
  override state: CounterState = { count: 0 }
  protected get act(): Act {
    return () => {}
  }
  override async receive(text: string): Promise<void> {
    await this.act(this, text)
  }
}

/** A world whose one consumer does `receive` with each frame and each event. */
export function worldOf(receive: Act, connect: Act = (consumer) => consumer.accept()): GatewayWorld {
  class TestConsumer extends CounterConsumer {
    protected override get act(): Act {
      return receive
    }
    override async connect(): Promise<void> {
      await connect(this, '')
    }
    async nested(event: { readonly text: string }): Promise<void> {
      await receive(this, event.text)
    }
  }
  return new GatewayWorld({ application: TestConsumer.asApplication() })
}

/** The state of connection `a=`, as stored. */
export async function storedState(world: GatewayWorld): Promise<JsonObject | undefined> {
  return (await world.store.load('a='))?.state
}
