import { MAX_DELAY_SECONDS } from '../../shared/index.ts'
import type { Command } from '../command.ts'
import { parseMessage, parseNumber } from '../parameters.ts'

/** `send CHANNEL MESSAGE` */
export const send: Command = {
  name: 'send',
  parameters: ['CHANNEL', 'MESSAGE'],
  summary: 'send a message to one connection, or to a worker channel',
  options: {
    delay: { value: 'SECONDS', help: `a worker gets it after so many seconds, 0 to ${MAX_DELAY_SECONDS}` },
  },
  run: async ({ parameters: [channel = '', text = ''], options, reach }) => {
    const message = parseMessage(text)
    const range = { absent: 0, least: 0, most: MAX_DELAY_SECONDS }
    const delaySeconds = parseNumber('delay', options.text('delay'), range)
    const layer = await reach.layer()
    await layer.send(channel, message, { delaySeconds })
    return { json: { channel, sent: true }, lines: [describe(channel)] }
  },
}

/** Ids of connections end in "=". Which workers there are, only the worker function knows. */
function describe(channel: string): string {
  if (channel.endsWith('=')) return `${channel}: in its queue`
  return `${channel}: in the queue of workers; whether a worker has that name, nobody knows here`
}
