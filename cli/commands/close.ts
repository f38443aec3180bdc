import { requireChannelName } from '../../shared/index.ts'
import type { Command } from '../command.ts'
import { isConnection } from './connections.ts'

/** `close CHANNEL` */
export const close: Command = {
  name: 'close',
  parameters: ['CHANNEL'],
  summary: 'close a connection; its consumer runs disconnect()',
  options: {},
  run: async ({ parameters: [channel = ''], reach }) => {
    const connectionId = requireChannelName(channel)
    const { store, queue, endpoint } = await reach.queue()
    const record = await store.load(connectionId)
    if (record === undefined || !isConnection(record)) {
      const json = { channel, closing: false }
      return { json, lines: [`${channel}: there is no such connection`], hasFailed: true }
    }
    const { connectedAt } = record
    const task = { kind: 'frames', connectionId, connectedAt, frames: [], close: true } as const
    await queue.enqueue([{ task, endpoint, attempt: 0 }])
    return { json: { channel, closing: true }, lines: [`${channel}: the delivery function closes it`] }
  },
}
