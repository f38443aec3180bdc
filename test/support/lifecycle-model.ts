import { deepStrictEqual, ok } from 'node:assert/strict'
import fc from 'fast-check'
import { WebsocketConsumer } from '../../shared/consumers/websocket-consumer.ts'
import type { GatewayWorld } from './gateway-world.ts'

export const GROUPS = ['red', 'blue'] as const
type Group = (typeof GROUPS)[number]

/** What a client may tell its consumer to do. */
type Order =
  | { readonly act: 'join' | 'leave'; readonly group: Group }
  | { readonly act: 'say'; readonly group: Group; readonly text: string }
  | { readonly act: 'throw' }

/** Joins, leaves, speaks and fails as its client says. */
export class LifecycleConsumer extends WebsocketConsumer {
  override async receive(frame: string): Promise<void> {
    const order = JSON.parse(frame) as Order
    if (order.act === 'throw') throw new Error('on purpose')
    if (order.act === 'join') await this.channelLayer.groupAdd(order.group, this.channelName)
    if (order.act === 'leave') await this.channelLayer.groupDiscard(order.group, this.channelName)
    if (order.act === 'say')
      await this.channelLayer.groupSend(order.group, { type: 'said', text: order.text })
  }

  async said({ text }: { readonly text: string }): Promise<void> {
    await this.send(text)
  }
}

/** One client, as the model knows it. `vanished`: gone, but nobody has noticed. */
interface ModelClient {
  status: 'connected' | 'vanished'
  readonly groups: Set<Group>
  readonly expected: string[]
}

/** What must be true: who is where, and what each has been told. */
export interface LifecycleModel {
  readonly clients: Map<string, ModelClient>
  readonly heard: Map<string, readonly string[]>
}

type Command = fc.AsyncCommand<LifecycleModel, GatewayWorld>

/** A command for a client that is connected, or whose status is one of `statuses`. */
abstract class ClientCommand implements Command {
  protected readonly id: string
  readonly #name: string

  constructor(name: string, id: string) {
    this.#name = name
    this.id = id
  }

  check({ clients }: LifecycleModel): boolean {
    return clients.get(this.id)?.status === 'connected'
  }

  abstract run(model: LifecycleModel, world: GatewayWorld): Promise<void>

  toString(): string {
    return `${this.#name}(${this.id})`
  }

  protected client({ clients }: LifecycleModel): ModelClient {
    const client = clients.get(this.id)
    if (!client) throw new Error(`the model does not know ${this.id}`)
    return client
  }

  protected order(world: GatewayWorld, order: Order): Promise<unknown> {
    return world.receive(this.id, JSON.stringify(order))
  }
}

class Connect extends ClientCommand {
  override check({ clients, heard }: LifecycleModel): boolean {
    // A connection id is never used again.
    return !clients.has(this.id) && !heard.has(this.id)
  }

  async run({ clients }: LifecycleModel, world: GatewayWorld): Promise<void> {
    deepStrictEqual(await world.connect(this.id), { statusCode: 200 })
    clients.set(this.id, { status: 'connected', groups: new Set(), expected: [] })
  }
}

class Move extends ClientCommand {
  readonly #act: 'join' | 'leave'
  readonly #group: Group

  constructor(act: 'join' | 'leave', id: string, group: Group) {
    super(`${act} ${group}`, id)
    this.#act = act
    this.#group = group
  }

  async run(model: LifecycleModel, world: GatewayWorld): Promise<void> {
    await this.order(world, { act: this.#act, group: this.#group })
    const { groups } = this.client(model)
    if (this.#act === 'join') groups.add(this.#group)
    else groups.delete(this.#group)
    await expectMembers(model, world)
  }
}

class Say extends ClientCommand {
  readonly #group: Group
  readonly #text: string
  readonly #isThrottled: boolean

  constructor(
    id: string,
    group: Group,
    { text, isThrottled }: { readonly text: string; readonly isThrottled: boolean },
  ) {
    super(`say ${text}${isThrottled ? ', throttled,' : ''} to ${group}`, id)
    this.#group = group
    this.#text = text
    this.#isThrottled = isThrottled
  }

  async run(model: LifecycleModel, world: GatewayWorld): Promise<void> {
    const members = [...model.clients].filter(([, { groups }]) => groups.has(this.#group))
    if (this.#isThrottled) {
      for (const [id, { status }] of members)
        if (status === 'connected') world.poster.answerNext(id, 'throttled')
    }
    await this.order(world, { act: 'say', group: this.#group, text: this.#text })
    await world.deliverAll()
    for (const [id, client] of members) {
      if (client.status === 'connected') client.expected.push(this.#text)
      // Whoever vanished is noticed now.
      else bury(model, id)
    }
    await expectMembers(model, world)
    await expectFrames(model, world)
  }
}

class Vanish extends ClientCommand {
  async run(model: LifecycleModel, world: GatewayWorld): Promise<void> {
    // A client is past the grace period before it vanishes: within it, a 410 is no proof.
    await world.clock.advance(31_000)
    world.vanish(this.id)
    this.client(model).status = 'vanished'
  }
}

class Disconnect extends ClientCommand {
  override check({ clients }: LifecycleModel): boolean {
    return clients.has(this.id)
  }

  async run(model: LifecycleModel, world: GatewayWorld): Promise<void> {
    deepStrictEqual(await world.disconnect(this.id), { statusCode: 200 })
    deepStrictEqual(await world.disconnect(this.id), { statusCode: 200 })
    bury(model, this.id)
    await expectMembers(model, world)
  }
}

class Throw extends ClientCommand {
  async run(model: LifecycleModel, world: GatewayWorld): Promise<void> {
    await this.order(world, { act: 'throw' })
    ok(world.poster.closed.has(this.id), `${this.id} is open`)
    model.clients.get(this.id)?.expected.push('{"type":"websocket.close","code":1011,"reason":""}')
    bury(model, this.id)
    await expectMembers(model, world)
  }
}

class ColdStart implements Command {
  check(): boolean {
    return true
  }
  run(_: LifecycleModel, world: GatewayWorld): Promise<void> {
    world.coldStart()
    return Promise.resolve()
  }
  toString(): string {
    return 'coldStart()'
  }
}

function bury({ clients, heard }: LifecycleModel, id: string): void {
  heard.set(id, clients.get(id)?.expected ?? [])
  clients.delete(id)
}

async function expectMembers({ clients }: LifecycleModel, world: GatewayWorld): Promise<void> {
  for (const group of GROUPS) {
    const expected = [...clients].filter(([, { groups }]) => groups.has(group)).map(([id]) => id)
    deepStrictEqual(await world.members(group), expected.toSorted())
  }
}

/** Nobody has missed anything, or heard anything twice. */
export async function expectFrames({ clients, heard }: LifecycleModel, world: GatewayWorld): Promise<void> {
  for (const [id, { expected }] of clients) deepStrictEqual(world.frames(id), expected)
  for (const [id, expected] of heard) deepStrictEqual(world.frames(id), expected)
}

const id = fc.nat(5).map((index) => `client-${index}=`)
const group = fc.constantFrom(...GROUPS)

/** Commands of a test with {@link LifecycleConsumer}. */
export const lifecycleCommands: fc.Arbitrary<Command>[] = [
  id.map((each) => new Connect('connect', each)),
  fc.tuple(id, group).map(([each, name]) => new Move('join', each, name)),
  fc.tuple(id, group).map(([each, name]) => new Move('leave', each, name)),
  fc
    .tuple(id, group, fc.record({ text: fc.string({ maxLength: 4 }), isThrottled: fc.boolean() }))
    .map(([each, name, what]) => new Say(each, name, what)),
  id.map((each) => new Vanish('vanish', each)),
  id.map((each) => new Disconnect('disconnect', each)),
  id.map((each) => new Throw('throw', each)),
  fc.constant(new ColdStart()),
]
