import { expect, test } from 'vitest'
import { ConnectionGoneError } from '../../../shared/errors.ts'
import { RecordingPoster } from '../../../shared/testing/recording-poster.ts'

test('what was posted and closed is there, in order', async () => {
  const poster = new RecordingPoster()

  await poster.post('a=', 'one')
  await poster.post('b=', 'two')
  await poster.post('a=', 'three')
  await poster.close('b=')

  expect(poster.frames).toEqual([
    { connectionId: 'a=', text: 'one' },
    { connectionId: 'b=', text: 'two' },
    { connectionId: 'a=', text: 'three' },
  ])
  expect(poster.textsTo('a=')).toEqual(['one', 'three'])
  expect(poster.closed).toEqual(['b='])
})

test('a connection that fails takes nothing, until told otherwise', async () => {
  const poster = new RecordingPoster()
  poster.failFor('a=', new ConnectionGoneError('connection a= is gone'))

  await expect(poster.post('a=', 'lost')).rejects.toThrow(ConnectionGoneError)
  await expect(poster.close('a=')).rejects.toThrow(ConnectionGoneError)
  await expect(poster.get('a=')).rejects.toThrow(ConnectionGoneError)
  poster.failFor('a=', undefined)
  await poster.post('a=', 'found')

  expect(poster.textsTo('a=')).toEqual(['found'])
  expect(poster.closed).toEqual([])
})
