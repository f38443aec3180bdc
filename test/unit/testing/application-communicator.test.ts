import { expect, test } from 'vitest'
import { WebsocketConsumer } from '../../../shared/consumers/websocket-consumer.ts'
import { ConfigurationError } from '../../../shared/errors.ts'
import { ApplicationCommunicator } from '../../../shared/testing/application-communicator.ts'

class CountingConsumer extends WebsocketConsumer {
  override state = { count: 0 }
  override async receive(): Promise<void> {
    await this.updateState((state) => ({ count: state.count + 1 }))
    this.state.count += 10
    await this.send(String(this.state.count))
  }
}

test('messages go in, messages come out, and the state goes through JSON in between', async () => {
  const communicator = new ApplicationCommunicator(CountingConsumer.asApplication(), {})

  await communicator.sendInput({ type: 'websocket.connect' })
  expect(await communicator.receiveOutput()).toEqual({ type: 'websocket.accept' })

  await communicator.sendInput({ type: 'websocket.receive', text: '' })
  await communicator.sendInput({ type: 'websocket.receive', text: '' })
  expect(await communicator.receiveOutput()).toEqual({ type: 'websocket.send', text: '11' })
  expect(await communicator.receiveOutput()).toEqual({ type: 'websocket.send', text: '22' })
  expect(await communicator.receiveNothing(5)).toBe(true)
})

test('what the application throws is thrown by sendInput(), and it can go on after it', async () => {
  class Failing extends WebsocketConsumer {
    override async receive(text: string): Promise<void> {
      if (text === '') throw new Error('boom')
      await this.send(text)
    }
  }
  const communicator = new ApplicationCommunicator(Failing.asApplication(), {})

  await expect(communicator.sendInput({ type: 'websocket.receive', text: '' })).rejects.toThrow('boom')
  await communicator.sendInput({ type: 'websocket.receive', text: 'still here' })

  expect(await communicator.receiveOutput()).toMatchObject({ text: 'still here' })
})

test('the scope that is given reaches the application', async () => {
  const paths: string[] = []
  const communicator = new ApplicationCommunicator(async (scope) => void paths.push(scope.path), {
    path: '/x/',
  })

  await communicator.sendInput({ type: 'websocket.connect' })

  expect(paths).toEqual(['/x/'])
})

test('wait() resolves when all that was given is handled', async () => {
  const gate = Promise.withResolvers<void>()
  let isHandled = false
  const communicator = new ApplicationCommunicator(async () => {
    await gate.promise
    isHandled = true
  }, {})

  const sent = communicator.sendInput({ type: 'a' })
  gate.resolve()
  await communicator.wait()

  expect(isHandled).toBe(true)
  await sent
})

test('an output that does not come is an error with its time', async () => {
  const communicator = new ApplicationCommunicator(async () => {}, {})

  await expect(communicator.receiveOutput(5)).rejects.toThrow('no output arrived within 5 ms')
})

test('without a layer, using one says what to do', async () => {
  class Joining extends WebsocketConsumer {
    override readonly groups = ['room']
  }
  const communicator = new ApplicationCommunicator(Joining.asApplication(), {})

  const failure = communicator.sendInput({ type: 'websocket.connect' })

  await expect(failure).rejects.toThrow(ConfigurationError)
  await expect(failure).rejects.toThrow('give the communicator a layer')
})
