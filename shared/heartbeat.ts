/**
 * What tells a heartbeat from other frames: `websocket.` is the namespace of the library's own frames, such as
 * `websocket.close`.
 */
export const HEARTBEAT_TYPE = 'websocket.heartbeat'

/** Selects the route of {@link HEARTBEAT_TYPE} for a heartbeat. Whatever has another type, or none, goes to `$default`. */
export const HEARTBEAT_SELECTION = '$request.body.type'

/** What a client sends as a heartbeat, and what it is answered. */
export const HEARTBEAT_FRAME: string = JSON.stringify({ type: HEARTBEAT_TYPE })
