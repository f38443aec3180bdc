import fc from 'fast-check'
import { expect, test } from 'vitest'
import { InvalidEventError } from '../../../shared/errors.ts'
import { readDelivery } from '../../../shared/gateway/read-delivery.ts'
import { GatewayWorld } from '../../support/gateway-world.ts'
import { RoomConsumer } from '../../support/room-consumer.ts'

const endpoint = 'https://abc.execute-api.eu-west-1.amazonaws.com/prod'
const toOne = { connectionId: 'a=', connectedAt: 0 }
const event = { type: 'room.say', text: 'poison' }
const group = { kind: 'group', group: 'room', exclude: [] }

test.each([
  { kind: 'frames', ...toOne, frames: ['1', '2'] },
  { kind: 'frames', ...toOne, frames: [], close: true },
  { kind: 'event', ...toOne, event },
  { kind: 'end', ...toOne, at: 1, code: 4000 },
  { ...group, event },
  { ...group, frame: '' },
  { ...group, event, frame: 'x' },
  { ...group, frame: 'x', sentAt: 1_700_000_000_000 },
  { ...group, layer: 'ticker', after: '00ff#a=', upTo: '0100', exclude: ['b='], close: 1000 },
])('%j is read as it is', (task) => {
  const delivery = { task, endpoint, attempt: 3 }

  expect(readDelivery(JSON.stringify(delivery))).toEqual(delivery)
})

test('a delivery may be left over from the serial queue', () => {
  const task = { kind: 'frames', ...toOne, frames: ['x'] }
  const delivery = { task, endpoint, attempt: 0, isInOrder: true }

  expect(readDelivery(JSON.stringify(delivery))).toEqual(delivery)
  expect(() => readDelivery(JSON.stringify({ ...delivery, isInOrder: 'a=' }))).toThrow(/isInOrder is wrong/)
})

const wrong: readonly (readonly [field: string, delivery: object])[] = [
  ['attempt', { task: { ...group, frame: 'x' }, endpoint }],
  ...[-1, 1.5, '1', null].map(
    (attempt) => ['attempt', { task: { ...group, frame: 'x' }, endpoint, attempt }] as const,
  ),
  ['endpoint', { task: { ...group, frame: 'x' }, attempt: 0 }],
  ['task', { endpoint, attempt: 0 }],
  ...(
    [
      ['task.kind', { ...toOne, kind: 'party' }],
      ['task.kind', { ...toOne, kind: 'toString' }],
      ['task.connectionId', { kind: 'frames', connectedAt: 0, frames: ['x'] }],
      ['task.connectedAt', { kind: 'frames', connectionId: 'a=', connectedAt: 'now', frames: ['x'] }],
      ['task.frames', { kind: 'frames', ...toOne }],
      ['task.frames', { kind: 'frames', ...toOne, frames: ['x', 7, null] }],
      ['task.close', { kind: 'frames', ...toOne, frames: ['x'], close: 'yes' }],
      ['task.event', { kind: 'event', ...toOne }],
      ['task.event', { kind: 'event', ...toOne, event: { text: 'no type' } }],
      ['task.at', { kind: 'end', ...toOne, code: 1000 }],
      ['task.code', { kind: 'end', ...toOne, at: 0, code: '1000' }],
      ['task.group', { kind: 'group', exclude: [], frame: 'x' }],
      ['task.exclude', { kind: 'group', group: 'room', frame: 'x' }],
      ['task.exclude', { ...group, exclude: [1], frame: 'x' }],
      ['task.after', { ...group, after: 1, frame: 'x' }],
      ['task.layer', { ...group, layer: '', frame: 'x' }],
      ['task.frame', { ...group, frame: { text: 'x' } }],
      ['task.sentAt', { ...group, frame: 'x', sentAt: 'now' }],
      ['what task has for the group', group],
      ['what task has for the group', { ...group, frame: 'x', close: 1000 }],
    ] as const
  ).map(([field, task]) => [field, { task, endpoint, attempt: 0 }] as const),
]

test.each(wrong)(
  'a delivery with a wrong field names it, and reaches nobody: %s',
  async (field, delivery) => {
    const world = new GatewayWorld({ application: RoomConsumer.asApplication() })
    await world.open('a=')
    const body = JSON.stringify(delivery)

    expect(() => readDelivery(body)).toThrow(InvalidEventError)
    expect(() => readDelivery(body)).toThrow(`, ${field} is wrong:`)
    expect((await world.deliverBodies(body)).batchItemFailures).toHaveLength(1)
    expect(world.frames('a=')).toEqual([])
  },
)

test('any other text is refused with an InvalidEventError', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (body) => {
      expect(() => readDelivery(body)).toThrow(InvalidEventError)
    }),
  )
})
