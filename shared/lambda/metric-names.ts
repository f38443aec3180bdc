/** The CloudWatch namespace of all metrics. */
export const METRICS_NAMESPACE = 'LambdaChannels'

/** The one dimension of all metrics: which application it is. */
export const SERVICE_DIMENSION = 'service'

/**
 * Everything the library counts, or measures, with its unit in CloudWatch. A test holds this against the sources, and
 * against the table in docs/topics/operations.md, which says what each means.
 */
export const metricUnits = {
  // Connections and messages
  connected: 'Count',
  refused: 'Count',
  disconnected: 'Count',
  received: 'Count',
  coldStart: 'Count',
  // Sending
  fanOutSize: 'Count',
  fanOutLag: 'Milliseconds',
  fanOutRanges: 'Count',
  delivered: 'Count',
  deferred: 'Count',
  gone: 'Count',
  failed: 'Count',
  throttled: 'Count',
  // Failures
  handlerFailed: 'Count',
  eventFailed: 'Count',
  frameFailed: 'Count',
  closeFailed: 'Count',
  queuedDeliveryFailed: 'Count',
  unhandledRejection: 'Count',
  unfinished: 'Count',
  cleanUpFailed: 'Count',
  stateNotSaved: 'Count',
  sessionNotSaved: 'Count',
  disconnectSkipped: 'Count',
  // Connections that end
  goneConnection: 'Count',
  connectionEnded: 'Count',
  endedWhileOpening: 'Count',
  messageWithoutRecord: 'Count',
  groupAddToGone: 'Count',
  stateOfGoneConnection: 'Count',
  sendAfterClose: 'Count',
  sendAfterDisconnect: 'Count',
  // What clients do
  invalidJson: 'Count',
  invalidContent: 'Count',
  invalidStreamFrame: 'Count',
  unknownStream: 'Count',
  badRequest: 'Count',
  originRefused: 'Count',
  rateLimited: 'Count',
  rateNotCounted: 'Count',
  tokenRefused: 'Count',
  tokenKeysMissing: 'Count',
  ticketRefused: 'Count',
  authorizerRefused: 'Count',
  sessionCookieForged: 'Count',
  sessionCookieStale: 'Count',
  sessionEndedMeanwhile: 'Count',
  sessionHashChanged: 'Count',
  // Workers and the serial queue
  jobDone: 'Count',
  jobFailed: 'Count',
  jobDropped: 'Count',
  jobLost: 'Count',
  jobNotStarted: 'Count',
  jobUnreadable: 'Count',
  serialNotStarted: 'Count',
  serialUnfinished: 'Count',
  serialUnreadable: 'Count',
  // Development
  lostField: 'Count',
} as const

/** The name of a metric of the library. */
export type MetricName = keyof typeof metricUnits
