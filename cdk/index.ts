export { type Addresses } from './addresses.ts'
export { type AlarmThresholds, ChannelsAlarms, type ChannelsAlarmsProps } from './channels-alarms.ts'
export { ChannelsApi } from './channels-api.ts'
export {
  type AuthorizerOptions,
  type ChannelsApiProps,
  type MonitoringOptions,
} from './channels-api-props.ts'
export { ChannelsDashboard, type ChannelsDashboardProps } from './channels-dashboard.ts'
export { ChannelsFunction, type ChannelsFunctionProps, type FunctionSize } from './channels-function.ts'
export { ChannelsTable, type ChannelsTableProps } from './channels-table.ts'
export { ChannelWorker, type ChannelWorkerOptions, type ChannelWorkerProps } from './channel-worker.ts'
export { type DomainNameOptions } from './custom-domain.ts'
export { type FrontOptions } from './front-options.ts'
export { ChannelsFront, type ChannelsFrontProps } from './front.ts'
export { type FunctionName } from './function-entries.ts'
export { HttpSide, type HttpSideProps } from './http-side.ts'
export { type LayerStore } from './layer-store.ts'
export { RedisCache, type RedisCacheProps } from './redis-cache.ts'
export { RedisNetwork, type RedisEgress, type RedisNetworkProps } from './redis-network.ts'
export { SerialQueue, type SerialQueueOptions, type SerialQueueProps } from './serial-queue.ts'
export { SocketApi, type SocketApiProps, type Throttle } from './socket-api.ts'
export { SocketDomain, type SocketDomainProps } from './socket-domain.ts'
export { WorkQueue, type WorkQueueProps, type WorkQueueReaderProps } from './work-queue.ts'
