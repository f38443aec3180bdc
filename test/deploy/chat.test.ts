import { afterAll, beforeAll, expect, test } from 'vitest'
import { Spawned } from '../e2e/spawned.ts'
import { binary } from '../support/repository.ts'
import { cdk, deployStack, destroyStack, diffStack, removeCdkFiles } from './cdk.ts'
import { ChatClient } from './chat-client.ts'
import { DeployedChat } from './deployed-chat.ts'
import { refusalStatuses } from './emulator-gaps.ts'
import { destinationKind } from './environment.ts'
import { resourcesOfStack } from './leftovers.ts'

const patience = { timeout: 60_000, interval: 200 }
/** The room that the outputs name. */
const lobby = 'lobby'

let chat: DeployedChat
let mayBeDeployed = false

beforeAll(async () => {
  if (destinationKind() !== 'aws') await cdk(['bootstrap'])
  mayBeDeployed = true
  await deployStack()
  chat = await DeployedChat.readOutputs()
})

afterAll(async () => {
  chat?.close()
  try {
    if (mayBeDeployed) await destroyStack()
  } finally {
    await removeCdkFiles()
  }
})

/** The address in the command that the stack has put out for pasting. */
function pastedAddress(): string {
  const [, address] = /^npx wscat -c "(\S+)"$/.exec(chat.output('TryIt')) ?? []
  if (address === undefined) throw new Error(`no wscat command: ${chat.output('TryIt')}`)
  return address
}

/**
 * A wscat that is connected: it has heard itself. It says nothing when it connects, and what is typed before that is lost,
 * so it types until it is heard.
 */
async function wscat(name: string): Promise<Spawned> {
  const wscat = new Spawned(process.execPath, [binary('wscat'), '-c', pastedAddress()])
  const hearsItself = (): boolean => {
    if (wscat.stdout.includes(`"message":"${name} is here"`)) return true
    wscat.type(`{"message": "${name} is here"}`)
    return false
  }
  await expect.poll(hearsItself, { timeout: 60_000, interval: 1000 }).toBe(true)
  return wscat
}

test('two who paste the wscat command of the outputs hear each other', async () => {
  await using one = await wscat('one')
  await using two = await wscat('two')

  one.type('{"message": "hello"}')
  await two.waitFor(/\{"message":"hello"\}/)
  two.type('{"message": "hello yourself"}')
  await one.waitFor(/\{"message":"hello yourself"\}/)

  expect(one.stdout).toContain('{"message":"two is here"}')
  expect(`${one.stderr}${two.stderr}`).toBe('')
})

test('the page of the outputs is there, and tells the browser where its sockets go', async () => {
  const response = await fetch(chat.output('ChatPage'))

  expect(response.status).toBe(200)
  expect(await response.text()).toContain(`content="${chat.output('WebSocketUrl')}"`)
})

test('every file that the page names is there, found as a browser finds it', async () => {
  const types = { css: 'text/css', js: 'text/javascript', svg: 'image/svg+xml' }
  const page = await fetch(chat.output('ChatPage'))
  const html = await page.text()

  const links = [...html.matchAll(/<(?:link|script|img)\b[^>]* (?:href|src)="([^"]+)"/g)]
  expect(links.length).toBeGreaterThanOrEqual(3)
  for (const [, link = ''] of links) {
    const url = new URL(link, page.url)
    const file = await fetch(url)
    await file.text()
    const extension = url.pathname.slice(url.pathname.lastIndexOf('.') + 1)
    expect([url.href, file.status]).toEqual([url.href, 200])
    expect(file.headers.get('content-type')).toContain(types[extension as keyof typeof types])
  }
})

test('all fifty of a room hear once what one of them says, and nobody of another room does', async () => {
  const clients = await Promise.all(Array.from({ length: 50 }, () => chat.enter('full_house')))
  await using elsewhere = await chat.enter('another_room')
  await expect.poll(() => chat.countMembers('full_house'), patience).toBe(50)

  clients[0]?.say('is everybody here?')

  const heard = await Promise.all(clients.map((client) => client.nextAndAnyMore(1)))
  expect(heard).toEqual(clients.map(() => ['{"message":"is everybody here?"}']))
  elsewhere.say('only me')
  expect(await elsewhere.nextAndAnyMore(1)).toEqual(['{"message":"only me"}'])
  for (const client of clients) client.vanish()
  await expect.poll(() => chat.countMembers('full_house'), patience).toBe(0)
})

test('who leaves is no member any more, and the others still hear each other', async () => {
  await using stays = await chat.enter('farewell')
  const leaves = await chat.enter('farewell')
  await expect.poll(() => chat.countMembers('farewell'), patience).toBe(2)

  await leaves.leave()

  await expect.poll(() => chat.countMembers('farewell'), patience).toBe(1)
  stays.say('bye')
  expect(await stays.nextAndAnyMore(1)).toEqual(['{"message":"bye"}'])
})

test('who vanishes without a word is no member any more once somebody speaks', async () => {
  await using stays = await chat.enter('tunnel')
  const vanishes = await chat.enter('tunnel')
  await expect.poll(() => chat.countMembers('tunnel'), patience).toBe(2)

  vanishes.vanish()

  const speakAndCount = async (): Promise<number> => {
    stays.say('still there?')
    expect(await stays.next()).toBe('{"message":"still there?"}')
    return await chat.countMembers('tunnel')
  }
  await expect.poll(speakAndCount, { ...patience, interval: 1000 }).toBe(1)
})

test('what a shell sends to a group goes through the queue and the delivery function to every member', async () => {
  const clients = await Promise.all(Array.from({ length: 5 }, () => chat.enter('announcements')))

  const said = await chat.cli(
    'group-send',
    'chat_announcements',
    '{"type":"chat.message","message":"from a shell"}',
  )

  expect(said).toBe('chat_announcements: 5 deferred to the delivery function\n')
  const heard = await Promise.all(clients.map((client) => client.nextAndAnyMore(1)))
  expect(heard).toEqual(clients.map(() => ['{"message":"from a shell"}']))
  await Promise.all(clients.map((client) => client.leave()))
})

test('a job reaches its worker through its own queue, and the worker speaks to the room', async () => {
  await using client = await chat.enter('workshop')

  await chat.cli(
    'send',
    'chat-announcements',
    '{"type":"announcement.make","room":"workshop","message":"the work is done"}',
  )

  expect(await client.nextAndAnyMore(1)).toEqual(['{"message":"the work is done"}'])
})

test('what is posted to the HTTP API is heard in the room, and the answer counts who was reached', async () => {
  await using client = await chat.enter('mailbox')

  const response = await fetch(`${chat.output('HttpUrl')}/chat/mailbox/`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"message":"by post"}',
  })

  expect(response.status).toBe(200)
  expect(await response.json()).toMatchObject({ delivered: 1, gone: 0, failed: 0 })
  expect(await client.nextAndAnyMore(1)).toEqual(['{"message":"by post"}'])
})

test.each([
  ['a path that no route has', '/ws/nowhere/', {}, 404],
  ['a page of another site', '/ws/chat/lobby/', { origin: 'https://evil.example' }, 403],
])('%s is refused', async (_, path, headers, status) => {
  expect(refusalStatuses(status)).toContain(await ChatClient.statusOf(chat.socketAddress(path), headers))
  expect(await chat.countMembers(lobby)).toBe(0)
})

test('a page of the HTTP API itself may connect', async () => {
  await using client = await chat.enter('front_door', { origin: new URL(chat.output('HttpUrl')).origin })

  client.say('hello')

  expect(await client.next()).toBe('{"message":"hello"}')
})

test('cdk diff finds nothing to change after a deployment', async () => {
  const output = await diffStack()

  expect(output).toContain('There were no differences')
})

test('cdk destroy leaves no table, queue or function', async () => {
  const before = await resourcesOfStack()
  await destroyStack()
  mayBeDeployed = false

  expect(before.length).toBeGreaterThanOrEqual(1 + 2 + 4)
  await expect.poll(resourcesOfStack, { timeout: 90_000, interval: 1000 }).toEqual([])
})
