import type { ChannelLayer } from '../channel-layer.ts'
import { ConfigurationError } from '../errors.ts'
import { createChannelLayer } from '../layers/create-channel-layer.ts'
import type { Logger } from '../logger.ts'
import type { EventMap } from '../message.ts'
import { type LayerEnvironment, layerVariables, readLayerEnvironment } from './layer-environment.ts'
import { deliveryQueueAt, workerQueuesOf } from './open-queues.ts'
import { openStore } from './open-store.ts'
import { requireVariable, type Variables } from './variables.ts'

/** A channel layer with sockets of its own. */
export interface OpenChannelLayer<Events = EventMap> extends ChannelLayer<Events>, AsyncDisposable {
  /** Closes them, so that a script can end. A function on Lambda keeps the layer for its next invocation. */
  close(): void
}

/** Options of {@link channelLayerFromEnvironment}. */
export interface EnvironmentLayerOptions {
  /** Hears of what could not be delivered; nobody does by default. */
  readonly logger?: Logger
}

/**
 * The channel layer for a Lambda function, a script or a cron job that is no consumer, from the variables that the
 * functions of the application have: {@link layerVariables}, and `AWS_*`.
 *
 * What is for connections goes to the delivery queue as one message for each call, and the delivery function runs the
 * handlers: a group send counts members as `deferred`. What is for a worker channel goes to its queue.
 *
 * @param env - `process.env`
 * @throws {@link ConfigurationError} naming the variable that is missing or wrong, what it is, and the rule
 *
 * @example
 * ```ts
 * const layer = await channelLayerFromEnvironment(process.env)
 * await layer.groupSend('chat_lobby', { type: 'chat.message', message: 'hi' })
 * ```
 */
export async function channelLayerFromEnvironment<Events = EventMap>(
  env: Variables,
  options: EnvironmentLayerOptions = {},
): Promise<OpenChannelLayer<Events>> {
  const environment = readLayerEnvironment(env)
  requireShared(environment)
  const queueUrl = requireVariable(env, layerVariables.deliveryQueueUrl)
  const endpoint = environment.managementEndpoint ?? requireVariable(env, layerVariables.managementEndpoint)
  const { store, close } = await openStore(environment)
  const layer = createChannelLayer<Events>({
    store,
    queue: deliveryQueueAt(queueUrl, environment),
    workers: workerQueuesOf(environment),
    endpoint,
    ...options,
  })
  return Object.assign(layer, { close, [Symbol.asyncDispose]: async () => close() })
}

function requireShared({ layer }: LayerEnvironment): void {
  if (layer !== 'memory') return
  throw new ConfigurationError(
    `environment variable ${layerVariables.layer} is "memory": those connections and groups are in the memory of the process that serves them, and no other reaches them; set it to dynamodb or redis, or send from that process`,
  )
}
