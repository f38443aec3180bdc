const FIRST_DELAY_MS = 1_000
const LONGEST_DELAY_MS = 30_000
const STABLE_AFTER_MS = 5_000

/**
 * How long to wait before try number `failures` + 1: anything from nothing to a limit that doubles with each
 * failure, up to 30 s. Random over the whole range, so that clients cut off together do not come back together.
 */
export function retryDelayMs(failures, random = Math.random) {
  return random() * Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** failures)
}

/**
 * A WebSocket that comes back: after every close it waits and opens a new one, until `stop()`.
 *
 * `onState` is told `{ name: 'connecting' }`, `{ name: 'connected' }` and `{ name: 'waiting', retryAt, failures,
 * wasConnected }`, where `failures` counts the tries since the last connection that held for 5 s and
 * `wasConnected` says whether there ever was a connection.
 *
 * It sends nothing of its own: API Gateway cuts a connection that is silent for 10 minutes, and one that is
 * 2 hours old, and both end in a reconnect.
 */
export class ReconnectingSocket {
  #url
  #onState
  #onMessage
  #socket
  #timer
  #failures = 0
  #openedAt
  #wasConnected = false
  #stopped = false

  constructor(url, { onState, onMessage }) {
    this.#url = url
    this.#onState = onState
    this.#onMessage = onMessage
  }

  /** Opens the socket now, unless one is open or opening. */
  connect() {
    if (this.#stopped || this.#socket) return
    clearTimeout(this.#timer)
    this.#onState({ name: 'connecting' })
    const socket = new WebSocket(this.#url)
    this.#socket = socket
    socket.addEventListener('open', () => this.#opened())
    socket.addEventListener('message', (event) => this.#onMessage(event.data))
    socket.addEventListener('close', () => this.#closed())
  }

  /** Hands `text` to the open socket; false, and nothing is sent, if there is none. */
  send(text) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false
    this.#socket.send(text)
    return true
  }

  /** Closes for good. */
  stop() {
    this.#stopped = true
    clearTimeout(this.#timer)
    this.#socket?.close()
  }

  #opened() {
    this.#openedAt = Date.now()
    this.#wasConnected = true
    this.#onState({ name: 'connected' })
  }

  #closed() {
    this.#socket = undefined
    if (this.#stopped) return
    if (this.#openedAt !== undefined && Date.now() - this.#openedAt >= STABLE_AFTER_MS) this.#failures = 0
    this.#openedAt = undefined
    const delay = retryDelayMs(this.#failures)
    this.#failures += 1
    this.#timer = setTimeout(() => this.connect(), delay)
    this.#onState({
      name: 'waiting',
      retryAt: Date.now() + delay,
      failures: this.#failures,
      wasConnected: this.#wasConnected,
    })
  }
}
