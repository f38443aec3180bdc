export type {
  Application,
  ChannelScope,
  Connection,
  EventContext,
  HttpScope,
  RequestScope,
  RoutedScope,
  Scope,
  Send,
  UrlRoute,
  WebsocketScope,
} from './application.ts'
export { getUser, login, logout, type UserSource } from './auth/authentication.ts'
export { authMiddleware, type AuthOptions, type UserScope } from './auth/auth-middleware.ts'
export { type AuthAdditions, authMiddlewareStack } from './auth/auth-middleware-stack.ts'
export { type AnonymousUser, anonymousUser, isAuthenticated, type User } from './auth/user.ts'
export {
  authorizerMiddleware,
  type AuthorizerMiddlewareOptions,
  type Principal,
} from './auth/authorizer-middleware.ts'
export type { CredentialSource } from './auth/credentials.ts'
export { kick, kickable, type KickableScope } from './auth/kick.ts'
export {
  ticketMiddleware,
  type TicketMiddlewareOptions,
  type TicketSource,
} from './auth/ticket-middleware.ts'
export { mintTicket, type TicketHolder, type TicketOptions } from './auth/tickets.ts'
export { tokenMiddleware, type TokenMiddlewareOptions, type TokenUser } from './auth/token-middleware.ts'
export type { TokenClaims, TokenRules } from './auth/token-verifier.ts'
export type { Identity, UserMiddleware } from './auth/user-middleware.ts'
export type { BroadcastEncoder } from './broadcast.ts'
export type {
  ChannelLayer,
  GroupSendOptions,
  GroupSendResult,
  ReceiveOptions,
  SendOptions,
} from './channel-layer.ts'
export { type Clock, systemClock } from './clock.ts'
export type { Broadcasts } from './consumers/broadcasts.ts'
export { Consumer } from './consumers/consumer.ts'
export { fetchApplication, type FetchEnvironment, type FetchFunction } from './consumers/fetch-application.ts'
export { handlerName, type HandlerName, type Handles } from './consumers/handlers.ts'
export {
  HttpConsumer,
  type ResponseHeaders,
  type SendBodyOptions,
  type SendHeadersOptions,
} from './consumers/http-consumer.ts'
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
export type { HeaderEntry, ResponseHead } from './http-message.ts'
export type { ChannelCapacity } from './layers/capacity.ts'
export { type ChannelLayerOptions, createChannelLayer } from './layers/create-channel-layer.ts'
export type { MessageLimits } from './layers/message-rules.ts'
export type { Logger } from './logger.ts'
export type { EventMap, EventOf, JsonObject, JsonValue, Message } from './message.ts'
export { cookieMiddleware, type CookieScope } from './middleware/cookie-middleware.ts'
export {
  type CookieOptions,
  type Cookies,
  deleteCookie,
  parseCookies,
  serializeCookie,
  setCookie,
} from './middleware/cookies.ts'
export {
  defineMiddleware,
  type Middleware,
  type MiddlewareDefinition,
  wrapApplication,
} from './middleware/define-middleware.ts'
export { MAX_DELAY_SECONDS } from './limits.ts'
export { groupName, requireChannelName, requireGroupName } from './names.ts'
export { ChannelNameRouter, type WorkerRoute, type WorkerRoutes } from './routing/channel-name-router.ts'
export type { BuiltInConverters, Converter } from './routing/converters.ts'
export {
  Demultiplexer,
  type DemultiplexerOptions,
  type InvalidStreamFrame,
  type Streams,
} from './routing/demultiplexer.ts'
export { createPath, path, type PathFunction, type PathParams, rePath } from './routing/path.ts'
export {
  type HttpApplication,
  type ProtocolApplications,
  ProtocolTypeRouter,
} from './routing/protocol-type-router.ts'
export type { Route } from './routing/route-table.ts'
export { type PathScope, UrlRouter } from './routing/url-router.ts'
export {
  type AllowedHosts,
  allowedHostsOriginValidator,
  originValidator,
} from './security/origin-validator.ts'
export { type RateLimit, rateLimit, type RateLimitKey, type RateLimitOptions } from './security/rate-limit.ts'
export { WebsocketDenier } from './security/websocket-denier.ts'
export type { CycleOptions, Session } from './sessions/session.ts'
export { type SessionOptions, sessionMiddleware, type SessionScope } from './sessions/session-middleware.ts'
export { AcceptConnection, DenyConnection, Signal, StopConsumer } from './signals.ts'
export type { StateChanges } from './state-changes.ts'
export type { ChannelMessages, PutOptions } from './stores/channel-messages.ts'
export type {
  ChannelStore,
  ConnectionRecord,
  GroupMember,
  MemberPage,
  MemberRange,
  RecordWrite,
} from './stores/channel-store.ts'
export type { DeliveryQueue, DeliveryTask, EnqueueOptions, QueuedDelivery } from './stores/delivery-queue.ts'
export type { RateStore } from './stores/rate-store.ts'
export type { SessionRecord, SessionStore, SessionWrite } from './stores/session-store.ts'
export type { Ticket, TicketStore } from './stores/ticket-store.ts'
export type { WorkerJob, WorkerQueue } from './stores/worker-queue.ts'
export { type WorkerChannels, workerChannelsOf, type WorkerGuarantee } from './worker-channels.ts'
