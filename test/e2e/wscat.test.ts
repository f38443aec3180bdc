import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { binary } from '../support/repository.ts'
import { type DevProcess, startDev } from './dev-process.ts'
import { Spawned } from './spawned.ts'

describe('the chat with wscat', () => {
  let dev: DevProcess

  beforeAll(async () => {
    dev = await startDev()
  })

  afterAll(async () => {
    await dev?.[Symbol.asyncDispose]()
  })

  function wscat(path: string, ...more: string[]): Spawned {
    return new Spawned(process.execPath, [binary('wscat'), '-c', `${dev.socketUrl}${path}`, ...more])
  }

  /**
   * A wscat that is connected: it has received a frame through the management API. (It says nothing when it
   * connects, and what is typed before that is lost.)
   */
  async function connect(path: string): Promise<Spawned> {
    const connecting = /^connecting +(\S+)/gm
    const before = [...dev.process.stdout.matchAll(connecting)].length
    const client = wscat(path)
    const [, id = ''] = await dev.process.waitFor(
      new RegExp(`(?:^connecting +(\\S+)[^]*?){${before + 1}}`, 'm'),
    )
    const address = `${dev.url}/prod/@connections/${encodeURIComponent(id)}`
    await expect
      .poll(async () => (await fetch(address, { method: 'POST', body: 'welcome' })).status)
      .toBe(200)
    await client.waitFor(/^welcome$/m)
    return client
  }

  /** What it has received: all it has written but its prompt, which follows each line that is typed. */
  function received(client: Spawned): string {
    return client.stdout.replaceAll('> ', '')
  }

  test('two in one room both see what one of them says, whichever form of the address they use', async () => {
    await using one = await connect('/ws/chat/wscat_room/')
    await using two = await connect('/prod?path=/ws/chat/wscat_room/')
    await using elsewhere = await connect('/ws/chat/another_room/')

    one.type('{"message": "hello"}')
    await one.waitFor(/"hello"/)
    await two.waitFor(/"hello"/)
    two.type('{"message": "hello yourself"}')
    await one.waitFor(/"hello yourself"/)
    await two.waitFor(/"hello yourself"/)
    elsewhere.type('{"message": "anybody here?"}')
    await elsewhere.waitFor(/"anybody here\?"/)

    const both = 'welcome\n{"message":"hello"}\n{"message":"hello yourself"}\n'
    expect([one, two, elsewhere].map(received)).toEqual([
      both,
      both,
      'welcome\n{"message":"anybody here?"}\n',
    ])
  })

  test.each([
    ['a path without a route', '/ws/nowhere/', 404],
    ['a path without a route, as a query', '/prod?path=/ws/nowhere/', 404],
    ['a bad room name', '/ws/chat/not%20a%20room!/', 404],
    ['no room name', '/ws/chat//', 404],
    ['a path after the stage', '/prod/ws/chat/lobby/', 403],
    ['another stage', '/test?path=/ws/chat/lobby/', 403],
  ])('%s is refused', async (_name, path, status) => {
    await using refused = wscat(path)

    await refused.exit

    expect(refused.stderr).toBe(`error: Unexpected server response: ${status}\n`)
  })

  test('the page of another site is refused, a page of this server is not', async () => {
    await using foreign = wscat('/ws/chat/wscat_room/', '--origin', 'https://evil.example')
    await using own = wscat('/ws/chat/wscat_room/', '--origin', dev.url, '--execute', '{"message": "mine"}')

    await foreign.exit
    await own.waitFor(/"mine"/)

    expect(foreign.stderr).toBe('error: Unexpected server response: 403\n')
  })
})
