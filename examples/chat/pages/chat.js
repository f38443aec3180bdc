import { ReconnectingSocket } from './reconnecting-socket.js'

// API Gateway closes a connection that sends a larger frame, and a browser cannot split one.
const MAX_FRAME_BYTES = 32 * 1024

const page = {
  log: document.querySelector('#chat-log'),
  form: document.querySelector('#chat-form'),
  input: document.querySelector('#chat-message-input'),
  roomName: document.querySelector('#room-name'),
  status: document.querySelector('#connection-status'),
  countdown: document.querySelector('#connection-countdown'),
  notice: document.querySelector('#notice'),
  noticeText: document.querySelector('#notice-text'),
  reconnect: document.querySelector('#reconnect'),
  otherRoom: document.querySelector('#other-room'),
}

// The end of …/chat/<room>/: a prefix may stand before it.
const encodedRoom = location.pathname.split('/').at(-2)
const room = decodeURIComponent(encodedRoom)

// A browser does not tell a refused handshake from an unreachable server: both are code 1006.
const notOpened = /^[-\w]+$/.test(room)
  ? `The room “${room}” could not be opened. Either the server cannot be reached, or it has no such room.`
  : `The room “${room}” could not be opened. Names of letters a to z, digits, hyphens and underscores work.`

let retryAt
let closeReason
// Whether what stands in the input goes out as soon as there is a connection.
let isWaitingToSubmit = false
let isAtEnd = true
// Texts that were handed to the socket and have not come back from the room yet.
let unconfirmed = []
// Those of them that were under way when the connection ended.
let lost = []
// What is still to be said about the last connection when there is a new one, until a message is sent.
let aftermath = ''

page.roomName.textContent = room
document.title = `${room} – chat`

const socket = new ReconnectingSocket(socketUrl(), { onState: showState, onMessage: receive })
page.form.addEventListener('submit', (event) => {
  event.preventDefault()
  submit()
})
page.input.addEventListener('input', () => {
  if (!isWaitingToSubmit) return
  isWaitingToSubmit = false
  showNotice('Not sent. Press Enter when the message is complete.')
})
page.reconnect.addEventListener('click', () => {
  socket.connect()
  page.input.focus()
})
page.log.addEventListener('scroll', () => {
  isAtEnd = page.log.scrollHeight - page.log.scrollTop - page.log.clientHeight < 40
})
// The keyboard of a phone and the notice make the log smaller.
new ResizeObserver(stayAtEnd).observe(page.log)
// A phone's browser stops the timers of a page that nobody looks at.
for (const event of ['online', 'focus']) addEventListener(event, () => socket.connect())
document.addEventListener('visibilitychange', () => {
  if (document.visibilityState === 'visible') socket.connect()
})
setInterval(showCountdown, 250)
socket.connect()

/**
 * The address on this page's own origin; or, with `<meta name="websocket-url" content="wss://…/prod">` for an
 * API Gateway without CloudFront in front of it, the address there, where the path travels in the query.
 */
function socketUrl() {
  const elsewhere = document.querySelector('meta[name="websocket-url"]')?.content
  if (!elsewhere) {
    const { protocol, host, pathname } = new URL(`../../ws/chat/${encodedRoom}/`, location.href)
    return `${protocol === 'https:' ? 'wss' : 'ws'}://${host}${pathname}`
  }
  const url = new URL(elsewhere)
  url.searchParams.set('path', `/ws/chat/${room}/`)
  return url.href
}

function submit() {
  const message = page.input.value
  if (message === '') return
  const frame = JSON.stringify({ message })
  const bytes = new TextEncoder().encode(frame).length
  if (bytes > MAX_FRAME_BYTES) {
    return showNotice(`Not sent: the message takes ${bytes} bytes, and ${MAX_FRAME_BYTES} is the most.`)
  }
  if (!socket.send(frame)) {
    isWaitingToSubmit = true
    return showNotice('Not sent yet. It will be, as soon as there is a connection.')
  }
  unconfirmed.push(message)
  page.input.value = ''
  lost = []
  aftermath = ''
  showNotice('')
}

function receive(text) {
  const data = parse(text)
  if (data.type === 'websocket.close') {
    closeReason = `${data.reason || 'no reason given'} (code ${data.code})`
  } else if (data.message === undefined || isGatewayError(data)) {
    showNotice(problemIn(data))
  } else {
    append(typeof data.message === 'string' ? data.message : JSON.stringify(data.message))
  }
}

/** Whether this is API Gateway's own answer to a message, when the function failed or took too long. */
function isGatewayError({ connectionId, requestId }) {
  return connectionId !== undefined && requestId !== undefined
}

function problemIn({ message, error }) {
  if (message !== undefined) return `The server could not handle a message: ${message}`
  if (error !== undefined) return `The server did not take a message: ${error}`
  return 'The server sent something that is not a chat message.'
}

function parse(text) {
  try {
    return JSON.parse(text) ?? {}
  } catch {
    return {}
  }
}

function append(text) {
  const message = document.createElement('span')
  message.className = 'message'
  message.textContent = text
  message.dataset.time = new Date().toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' })
  page.log.append(message, '\n')
  stayAtEnd()

  const index = unconfirmed.indexOf(text)
  if (index !== -1) unconfirmed.splice(index, 1)
}

/** Shows the newest message, unless the reader has scrolled up to older ones. */
function stayAtEnd() {
  if (isAtEnd) page.log.scrollTop = page.log.scrollHeight
}

function showState(state) {
  document.body.dataset.connection = state.name
  page.reconnect.hidden = state.name !== 'waiting'
  page.otherRoom.hidden = state.name !== 'waiting' || state.wasConnected
  retryAt = state.retryAt
  if (state.name === 'connecting') page.status.textContent = 'Connecting…'
  if (state.name === 'connected') showConnected()
  if (state.name === 'waiting') showWaiting(state)
  showCountdown()
}

function showConnected() {
  page.status.textContent = 'Connected'
  closeReason = undefined
  if (isWaitingToSubmit) submit()
  isWaitingToSubmit = false
  showNotice(aftermath)
}

function showWaiting({ wasConnected }) {
  page.status.textContent = wasConnected ? 'Connection lost' : 'Not connected'
  takeBackUnconfirmed()
  aftermath = joined(
    closeReason && `The server closed the connection: ${closeReason}.`,
    lost.length > 0 && `It may not have got through: ${lost.map((text) => `“${text}”`).join(', ')}.`,
  )
  showNotice(
    joined(
      !closeReason && (wasConnected ? 'The connection was lost.' : notOpened),
      aftermath,
      isWaitingToSubmit && 'Your message will be sent as soon as there is a connection.',
    ),
  )
}

/** Puts the last text that may not have arrived back where it was typed. */
function takeBackUnconfirmed() {
  lost.push(...unconfirmed)
  if (unconfirmed.length > 0 && page.input.value === '') page.input.value = unconfirmed.at(-1)
  unconfirmed = []
}

function joined(...sentences) {
  return sentences.filter(Boolean).join(' ')
}

/** The seconds change outside the status, so that a screen reader is not told each of them. */
function showCountdown() {
  const seconds = retryAt === undefined ? 0 : Math.ceil((retryAt - Date.now()) / 1000)
  page.countdown.textContent = seconds > 0 ? `, reconnecting in ${seconds} s` : ''
}

function showNotice(text) {
  page.noticeText.textContent = text
  page.notice.hidden = text === ''
}
