/**
 * Quotas of API Gateway and Lambda that this library has to know.
 * Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html
 */

/** Bytes of one message, either way. Over it: 1009 inbound, 413 outbound. */
export const MAX_MESSAGE_BYTES = 131_072

/** Bytes of one inbound WebSocket frame. Over it: the gateway closes with 1009. */
export const MAX_FRAME_BYTES = 32_768

/** Longest life of a connection, in seconds. */
export const MAX_CONNECTION_SECONDS = 7_200

/** A connection without traffic is closed with 1001 after this many seconds. */
export const IDLE_TIMEOUT_SECONDS = 600

/** Longest integration time-out, in milliseconds. A `$connect` can last no longer. */
export const INTEGRATION_TIMEOUT_MS = 29_000

/**
 * A 410 for a connection younger than this, in milliseconds, does not prove that it is dead: API Gateway
 * answers 410 for a connection whose `$connect` has not returned, and that can take `INTEGRATION_TIMEOUT_MS`.
 */
export const OPENING_GRACE_MS = 30_000

/** Life of a connection's record and memberships after connect, in seconds: the 2 hours and a margin. */
export const CONNECTION_EXPIRY_SECONDS: number = MAX_CONNECTION_SECONDS + 600

/** Longest channel or group name, in characters, as in Channels. */
export const MAX_NAME_LENGTH = 99

/**
 * How long SQS keeps a message back at most, in seconds.
 * Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
 */
export const MAX_DELAY_SECONDS = 900

/**
 * Bytes that a function may return, as JSON. Over it, Lambda fails the invocation, and API Gateway answers 502 or 500.
 * Source: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
 */
export const MAX_RESPONSE_BYTES = 6_291_456
