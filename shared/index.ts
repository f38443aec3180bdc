export type {
  Application,
  Connection,
  RoutedScope,
  Scope,
  Send,
  UrlRoute,
  WebsocketScope,
} from './application.ts'
export type { ChannelLayer, GroupSendOptions, GroupSendResult } from './channel-layer.ts'
export { type Clock, systemClock } from './clock.ts'
export { Consumer } from './consumers/consumer.ts'
export { handlerName, type HandlerName, type Handles } from './consumers/handlers.ts'
export {
  type ContentSchema,
  JsonWebsocketConsumer,
  type SchemaIssue,
} from './consumers/json-websocket-consumer.ts'
export {
  type AcceptOptions,
  type SendFrameOptions,
  WebsocketConsumer,
} from './consumers/websocket-consumer.ts'
export * from './errors.ts'
export type { Logger } from './logger.ts'
export type { EventMap, EventOf, JsonObject, JsonValue, Message } from './message.ts'
export {
  defineMiddleware,
  type Middleware,
  type MiddlewareDefinition,
  wrapApplication,
} from './middleware/define-middleware.ts'
export { groupName, requireChannelName, requireGroupName } from './names.ts'
export type { BuiltInConverters, Converter } from './routing/converters.ts'
export { createPath, path, type PathFunction, type PathParams, rePath } from './routing/path.ts'
export { type ProtocolApplications, ProtocolTypeRouter } from './routing/protocol-type-router.ts'
export type { Route } from './routing/route-table.ts'
export { type PathScope, UrlRouter } from './routing/url-router.ts'
export { AcceptConnection, DenyConnection, Signal, StopConsumer } from './signals.ts'
export type { StateChanges } from './state-changes.ts'
export type {
  ChannelStore,
  ConnectionRecord,
  GroupMember,
  MemberPage,
  MemberRange,
  RecordWrite,
} from './stores/channel-store.ts'
export type { DeliveryQueue, DeliveryTask, EnqueueOptions, QueuedDelivery } from './stores/delivery-queue.ts'
