import type { WebsocketScope } from '../../../shared/application.ts'
import { JsonWebsocketConsumer } from '../../../shared/consumers/json-websocket-consumer.ts'
import { StoreError } from '../../../shared/errors.ts'
import type { EventOf } from '../../../shared/message.ts'

/** What a client of the chaos asks its consumer to do. It is answered `{ done: id }`, or `{ failed: id }` if the store failed. */
export type Command =
  | { readonly do: 'join'; readonly id: string; readonly group: string }
  | { readonly do: 'leave'; readonly id: string; readonly group: string }
  | {
      readonly do: Way
      readonly id: string
      readonly group: string
      /** Whether the sender is left out. */
      readonly excludesSelf: boolean
    }
  | { readonly do: 'whisper'; readonly id: string; readonly to: string }
  | { readonly do: 'burst'; readonly id: string; readonly count: number }

/** The ways to reach a group: each member's handler, one frame, a broadcast handler. */
export type Way = 'handler' | 'frame' | 'broadcast'

/** All of them. */
export const WAYS: readonly Way[] = ['handler', 'frame', 'broadcast']

/** What a client is told. */
export interface Told {
  readonly hello?: string
  readonly done?: string
  readonly failed?: string
  /** How many members `done` counts as failed. */
  readonly failures?: number
  readonly said?: string
  readonly burst?: string
  readonly index?: number
}

interface ChaosEvents {
  'chaos.said': { readonly id: string }
  'chaos.rendered': { readonly id: string }
}

/** The group that every connection is in, so that a last send to it meets them all. */
export const EVERYONE = 'everyone'

/** Obeys its client, and says hello once it is open. */
export class MemberConsumer extends JsonWebsocketConsumer<WebsocketScope, ChaosEvents> {
  static chaosRendered({ id }: EventOf<ChaosEvents, 'chaos.rendered'>): Told {
    return { said: id }
  }

  override readonly groups: readonly string[] = [EVERYONE]

  override async connect(): Promise<void> {
    await this.accept()
    await this.#tell({ hello: this.channelName })
  }

  override async receiveJson(content: unknown): Promise<void> {
    const command = content as Command
    try {
      await this.#tell({ done: command.id, failures: await this.#obey(command) })
    } catch (error) {
      // An application that lets it pass has its connection closed: not what is tested here.
      if (!(error instanceof StoreError)) throw error
      await this.#tell({ failed: command.id })
    }
  }

  async chaosSaid({ id }: EventOf<ChaosEvents, 'chaos.said'>): Promise<void> {
    await this.#tell({ said: id })
  }

  async #obey(command: Command): Promise<number> {
    const { channelLayer, channelName } = this
    const { id } = command
    if (command.do === 'join') await channelLayer.groupAdd(command.group, channelName)
    else if (command.do === 'leave') await channelLayer.groupDiscard(command.group, channelName)
    else if (command.do === 'whisper') await channelLayer.send(command.to, { type: 'chaos.said', id })
    else if (command.do === 'burst') await this.#burst(id, command.count)
    else {
      const options = { exclude: command.excludesSelf ? [channelName] : [] }
      const type = command.do === 'handler' ? 'chaos.said' : 'chaos.rendered'
      const result =
        command.do === 'frame'
          ? await channelLayer.groupSendFrame(command.group, JSON.stringify({ said: id }), options)
          : await channelLayer.groupSend(command.group, { type, id }, options)
      return result.failed
    }
    return 0
  }

  /** Frames that do not wait for each other: their order is that of the calls. */
  async #burst(id: string, count: number): Promise<void> {
    await Promise.all(Array.from({ length: count }, (_, index) => this.#tell({ burst: id, index })))
  }

  #tell(told: Told): Promise<void> {
    return this.sendJson({ ...told })
  }
}

/** A member of no group. */
export class WitnessConsumer extends MemberConsumer {
  override readonly groups: readonly string[] = []
}
