export {
  channelLayerFromEnvironment,
  type EnvironmentLayerOptions,
  type OpenChannelLayer,
} from './channel-layer-from-environment.ts'
export {
  type EnvironmentCredentials,
  type LayerEnvironment,
  layerVariables,
  readLayerEnvironment,
  type RedisIamPlace,
  type StorePlace,
} from './layer-environment.ts'
export { deliveryQueueAt, workerQueuesOf } from './open-queues.ts'
export { openStore, type OpenStore } from './open-store.ts'
export { type RedisEnvironmentOptions, redisOptionsFromEnvironment } from './redis-options.ts'
export { requireVariable, variableOf, type Variables } from './variables.ts'
