import { expect, test } from 'vitest'
import type { WebsocketScope } from '../../../shared/application.ts'
import { WebsocketConsumer } from '../../../shared/consumers/websocket-consumer.ts'
import type { EventOf } from '../../../shared/message.ts'
import type { Session } from '../../../shared/sessions/session.ts'
import { WebsocketCommunicator } from '../../../shared/testing/websocket-communicator.ts'

interface Person {
  readonly id: string
  readonly name: string
}

interface NoteEvents {
  'note.made': { readonly text: string }
}

class NoteConsumer extends WebsocketConsumer<WebsocketScope & { readonly user: Person }, NoteEvents> {
  override readonly groups = ['notes']

  override async receive(text: string): Promise<void> {
    await this.channelLayer.groupSend('notes', {
      type: 'note.made',
      text: `${this.scope.user.name}: ${text}`,
    })
  }

  async noteMade({ text }: EventOf<NoteEvents, 'note.made'>): Promise<void> {
    await this.send(`for ${this.scope.user.name}: ${text}`)
  }
}

class ThemeConsumer extends WebsocketConsumer<WebsocketScope & { readonly session: Session }> {
  override async receive(theme: string): Promise<void> {
    await this.send(JSON.stringify((await this.scope.session.get('theme')) ?? null))
    await this.scope.session.set('theme', theme)
  }
}

test('each communicator has its own user, in its own events and in those of others', async () => {
  const application = NoteConsumer.asApplication()
  await using ann = new WebsocketCommunicator(application, '/', { user: { id: 'a', name: 'Ann' } })
  await using bob = new WebsocketCommunicator(application, '/', { user: { id: 'b', name: 'Bob' } })
  await ann.connect()
  await bob.connect()

  await ann.sendTo('hi')

  expect(await ann.receiveFrom()).toBe('for Ann: Ann: hi')
  expect(await bob.receiveFrom()).toBe('for Bob: Ann: hi')
})

test('a session is given, changed by events, and read by the test', async () => {
  await using client = new WebsocketCommunicator(ThemeConsumer.asApplication(), '/', {
    session: { theme: 'dark' },
  })
  await client.connect()

  await client.sendTo('light')
  await client.sendTo('blue')

  expect(await client.receiveFrom()).toBe('"dark"')
  expect(await client.receiveFrom()).toBe('"light"')
  expect(await client.session.get('theme')).toBe('blue')
})

test('what a failed event has set in the session is not saved', async () => {
  class Failing extends ThemeConsumer {
    override async receive(theme: string): Promise<void> {
      await this.scope.session.set('theme', theme)
      throw new Error('too bright')
    }
  }
  await using client = new WebsocketCommunicator(Failing.asApplication(), '/', { session: { theme: 'dark' } })
  await client.connect()

  await expect(client.sendTo('light')).rejects.toThrow('too bright')

  expect(await client.session.get('theme')).toBe('dark')
})

test('a communicator that was given no session says where to look', () => {
  class Silent extends WebsocketConsumer {}
  const client = new WebsocketCommunicator(Silent.asApplication(), '/')

  expect(() => client.session).toThrow('this communicator was given no session')
})

test('what an authorizer would have returned is in the scope of every event', async () => {
  class Authorized extends WebsocketConsumer {
    override async receive(): Promise<void> {
      await this.send(JSON.stringify(this.scope.authorizer ?? null))
    }
  }
  await using client = new WebsocketCommunicator(Authorized.asApplication(), '/', {
    authorizer: { principalId: 'ann' },
  })
  await client.connect()

  await client.sendTo('')

  expect(await client.receiveJsonFrom()).toEqual({ principalId: 'ann' })
})

test('an application that needs a user does not compile without one', () => {
  const application = NoteConsumer.asApplication()

  // @ts-expect-error there is no user
  expect(new WebsocketCommunicator(application, '/')).toBeDefined()
  // @ts-expect-error this is none of its users
  expect(new WebsocketCommunicator(application, '/', { user: { id: 7 } })).toBeDefined()
  // @ts-expect-error there is no session
  expect(new WebsocketCommunicator(ThemeConsumer.asApplication(), '/')).toBeDefined()
})
