import { ConfigurationError } from '../shared/errors.ts'
import { workerChannelsOf } from '../shared/worker-channels.ts'
import type { ChannelWorkerOptions } from './channel-worker.ts'

/**
 * The workers that an application needs: those that are asked for, or one for all of its channels.
 *
 * @throws {@link ConfigurationError} if nobody works on a channel of the application, or somebody works on one that it
 * has not, or two work on the same
 */
export function planWorkers(
  application: object,
  asked: readonly ChannelWorkerOptions[] | undefined,
): readonly ChannelWorkerOptions[] {
  const channels = [...workerChannelsOf(application).keys()]
  if (asked === undefined) return channels.length === 0 ? [] : [{ channels }]
  const worked = asked.flatMap((worker) => worker.channels)
  const idle = channels.filter((channel) => !worked.includes(channel))
  if (idle.length > 0) {
    throw new ConfigurationError(
      `nobody works on ${named(idle)}: the ChannelNameRouter of the application has it, and no entry of workers; add it to the channels of one, or leave workers out for one function that does all`,
    )
  }
  const unknown = worked.filter((channel) => !channels.includes(channel))
  if (unknown.length > 0) {
    throw new ConfigurationError(
      `workers has ${named(unknown)}, which the application does not serve: it has ${channels.length === 0 ? 'no worker channels' : named(channels)}; add it to its ChannelNameRouter, or remove it`,
    )
  }
  const twice = worked.filter((channel, index) => worked.indexOf(channel) !== index)
  if (twice.length > 0) {
    throw new ConfigurationError(
      `workers has ${named(twice)} more than once: a channel has one queue, and one worker reads it`,
    )
  }
  return asked
}

function named(channels: readonly string[]): string {
  const one = channels.length === 1 ? 'the channel' : 'the channels'
  return `${one} ${channels.map((channel) => `"${channel}"`).join(', ')}`
}
