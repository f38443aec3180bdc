import { describe, expect, test } from 'vitest'
import { ID } from '../../contracts/poster-fixture.ts'
import { outcomes } from '../../contracts/poster-outcomes.ts'
import { type Answer, ScriptedPoster } from '../../support/scripted-poster.ts'

const ANSWERS = { 200: 'ok', 403: 'forbidden', 410: 'gone', 429: 'throttled', 503: 'unavailable' } as const

describe('ScriptedPoster', () => {
  outcomes(async (status) => {
    const poster = new ScriptedPoster()
    const answer: Answer = ANSWERS[status]
    poster.answer(ID, answer)
    return { poster, [Symbol.asyncDispose]: async () => {} }
  })

  test('what it has closed is gone', async () => {
    const poster = new ScriptedPoster()
    await poster.close(ID)

    await expect(poster.close(ID)).rejects.toMatchObject({ code: 'CONNECTION_GONE' })
  })
})
