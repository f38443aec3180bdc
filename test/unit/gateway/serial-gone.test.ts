import { expect, test } from 'vitest'
import { RoomConsumer } from '../../support/room-consumer.ts'
import { endRecord, frameRecord, SerialWorld } from '../../support/serial-world.ts'
import { failuresOf } from '../../support/worker-world.ts'

/** Notes what it is given, and tells it its client; `tell …` the room. */
function savingWorld(lines: string[]): SerialWorld {
  class SaverConsumer extends RoomConsumer {
    override async receive(text: string): Promise<void> {
      lines.push(text)
      if (text.startsWith('tell')) await this.channelLayer.groupSendFrame('room', text)
      else await this.send(text)
    }
    override async disconnect(code: number): Promise<void> {
      lines.push(`disconnect ${code}`)
    }
  }
  return new SerialWorld(SaverConsumer.asApplication())
}

const saves = ['save 1', 'save 2', 'save 3'].map((text, index) => frameRecord(`m${index}`, 'a=', text))

test('what a client sent before it left is handled, although the answers find it gone; its end comes behind', async () => {
  const lines: string[] = []
  const world = savingWorld(lines)
  await world.open('a=')
  world.vanish('a=')

  const result = await world.serve([...saves, endRecord('m9', 'a=')])

  expect(failuresOf(result)).toEqual([])
  expect(lines).toEqual(['save 1', 'save 2', 'save 3', 'disconnect 4001'])
  expect(world.count('messageWithoutRecord')).toBe(0)
  expect(world.count('goneConnection')).toBe(0)
  expect(world.count('disconnected')).toBe(1)
  expect(await world.members('room')).toEqual([])
})

test('so it is in the next batch, and if what it found gone was its own place in a group', async () => {
  const lines: string[] = []
  const world = savingWorld(lines)
  await world.open('a=')
  world.vanish('a=')

  await world.serve([frameRecord('m0', 'a=', 'tell all')])
  await world.serve([frameRecord('m1', 'a=', 'save'), endRecord('m9', 'a=')])

  expect(lines).toEqual(['tell all', 'save', 'disconnect 4001'])
})

test('another connection that one of its frames finds gone is ended at once, as ever', async () => {
  const lines: string[] = []
  const world = savingWorld(lines)
  await world.open('a=', 'b=')
  world.vanish('b=')

  await world.serve([frameRecord('m0', 'a=', 'tell all')])

  expect(lines).toEqual(['tell all', 'disconnect 1006'])
  expect(world.count('goneConnection')).toBe(1)
  expect(await world.members('room')).toEqual(['a='])
})

test('an answer that waited in the delivery queue does not end it either, however often it goes round', async () => {
  const lines: string[] = []
  const world = savingWorld(lines)
  await world.open('a=')
  world.poster.answerNext('a=', 'throttled', 'throttled')

  await world.serve(saves.slice(0, 1))
  world.vanish('a=')
  await world.deliverAll()
  await world.serve([...saves.slice(1), endRecord('m9', 'a=')])

  expect(lines).toEqual(['save 1', 'save 2', 'save 3', 'disconnect 4001'])
  expect(world.count('gone')).toBe(1)
})
