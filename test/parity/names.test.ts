import { expect, test } from 'vitest'
import * as channels from '../../shared/index.ts'

/** What Channels raises, and what is thrown here. Not here: RequestAborted and RequestTimeout, which nothing can cause. */
const counterparts = {
  AcceptConnection: channels.AcceptConnection,
  DenyConnection: channels.DenyConnection,
  StopConsumer: channels.StopConsumer,
  ChannelFull: channels.ChannelFullError,
  MessageTooLarge: channels.MessageTooLargeError,
  InvalidChannelLayerError: channels.ConfigurationError,
}

test('every exception and signal of Channels that can happen here has its own', () => {
  const errors = Object.entries(counterparts).filter(([, { prototype }]) => prototype instanceof Error)

  expect(errors.map(([name]) => name)).toEqual(Object.keys(counterparts))
  expect(new Set(Object.values(counterparts)).size).toBe(errors.length)
})

test('the tutorial’s names of Channels are here, in the spelling of TypeScript', () => {
  const names = [
    'ProtocolTypeRouter',
    'UrlRouter',
    'ChannelNameRouter',
    'WebsocketConsumer',
    'JsonWebsocketConsumer',
    'HttpConsumer',
    'authMiddlewareStack',
    'allowedHostsOriginValidator',
    'createChannelLayer',
    'path',
    'rePath',
  ]

  expect(Object.keys(channels)).toEqual(expect.arrayContaining(names))
})
