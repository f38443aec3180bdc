import type { GroupSendResult } from '../../shared/index.ts'
import type { Command, Report } from '../command.ts'
import { parseMessage } from '../parameters.ts'

/** `group-send GROUP MESSAGE` */
export const groupSend: Command = {
  name: 'group-send',
  parameters: ['GROUP', 'MESSAGE'],
  summary: 'send a message to every member of a group: their consumers run its handler',
  options: { exclude: { value: 'CHANNEL', isMultiple: true, help: 'not to this member; may be repeated' } },
  run: async ({ parameters: [group = '', text = ''], options, reach }) => {
    const message = parseMessage(text)
    const layer = await reach.layer()
    return reportOf(group, await layer.groupSend(group, message, { exclude: options.texts('exclude') }))
  },
}

/** `group-send-frame GROUP TEXT` */
export const groupSendFrame: Command = {
  name: 'group-send-frame',
  parameters: ['GROUP', 'TEXT'],
  summary: 'put one text frame on the socket of every member of a group: no consumer runs',
  options: groupSend.options,
  run: async ({ parameters: [group = '', text = ''], options, reach }) => {
    const layer = await reach.layer()
    return reportOf(group, await layer.groupSendFrame(group, text, { exclude: options.texts('exclude') }))
  },
}

function reportOf(group: string, result: GroupSendResult): Report {
  return {
    json: { group, ...result },
    lines: [`${group}: ${describe(result)}`],
    hasFailed: result.failed > 0,
  }
}

/** Nobody can say here what becomes of what is deferred: it is in the queue. */
function describe({ delivered, deferred, gone, failed, ranges }: GroupSendResult): string {
  const inQueue = ranges === undefined ? `${deferred}` : `about ${deferred}, in ${ranges} ranges`
  const counts = [
    deferred > 0 ? `${inQueue} deferred to the delivery function` : '',
    delivered > 0 ? `${delivered} delivered` : '',
    gone > 0 ? `${gone} gone` : '',
    failed > 0 ? `${failed} failed` : '',
  ].filter((count) => count !== '')
  return counts.length === 0 ? 'no members' : counts.join(', ')
}
