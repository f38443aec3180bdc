import { WebsocketConsumer } from '../../shared/consumers/websocket-consumer.ts'
import type { RuntimeOptions } from '../../shared/gateway/runtime.ts'
import { GatewayWorld } from './gateway-world.ts'

/** What an {@link ActingConsumer} does in one of its handlers. */
export type Act = (consumer: WebsocketConsumer, text: string) => Promise<void> | void

/** What an {@link ActingConsumer} does; where nothing is given it accepts, and is silent. */
export interface Acts {
  readonly groups?: readonly string[]
  readonly connect?: Act
  readonly receive?: Act
  /** For events of type `room.say`. */
  readonly roomSay?: Act
  readonly disconnect?: (consumer: WebsocketConsumer, code: number, reason: string) => Promise<void> | void
}

/** A world with one consumer that does what a test says. */
export function actingWorld(acts: Acts, runtime: Partial<RuntimeOptions> = {}): GatewayWorld {
  class ActingConsumer extends WebsocketConsumer {
    override readonly groups = acts.groups ?? []
    override async connect(): Promise<void> {
      await (acts.connect ?? ((consumer) => consumer.accept()))(this, '')
    }
    override async receive(text: string): Promise<void> {
      await acts.receive?.(this, text)
    }
    override async disconnect(code: number, reason: string): Promise<void> {
      await acts.disconnect?.(this, code, reason)
    }
    async roomSay({ text }: { readonly text: string }): Promise<void> {
      await acts.roomSay?.(this, text)
    }
  }
  return new GatewayWorld({ application: ActingConsumer.asApplication(), runtime })
}
