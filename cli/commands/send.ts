import { MAX_DELAY_SECONDS } from '../../shared/index.ts'
import type { WorkerQueues } from '../../shared/layers/worker-queues.ts'
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
    return { json: { channel, sent: true }, lines: [describe(channel, await reach.workers())] }
  },
}

/** Which queue has taken it. What is for no worker is for a connection. */
function describe(channel: string, workers: WorkerQueues): string {
  if (channel.includes('!')) return `${channel}: waiting for the program that made this channel`
  if (workers.find(channel) === undefined) return `${channel}: in the delivery queue`
  if (workers.names.includes(channel)) return `${channel}: in the queue of that worker channel`
  return `${channel}: in the queue of all other workers; whether a worker has that name, nobody knows here`
}
