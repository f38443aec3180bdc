import { InvalidEventError } from '../errors.ts'
import { isPlainObject } from '../message.ts'
import type { DeliveryTask, QueuedDelivery } from '../stores/delivery-queue.ts'

/**
 * Reads a message of the delivery queue. Only this library writes there, but what another version has written, or a hand,
 * must fail before anything of it is delivered.
 *
 * @throws {@link InvalidEventError} that names the field which is not as it has to be
 */
export function readDelivery(body: string): QueuedDelivery {
  const delivery = parse(body)
  const wrong = isPlainObject(delivery) ? wrongField(delivery) : 'all of it'
  if (wrong === undefined) return delivery as QueuedDelivery
  throw new InvalidEventError(
    `this is no queued delivery, ${wrong} is wrong: ${body.slice(0, 200) || 'nothing'}. Only this library writes to the delivery queue`,
  )
}

/** Undefined if it is no JSON. */
function parse(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}

type Check = (value: unknown) => boolean
type Checks = Readonly<Record<string, Check>>

const isText: Check = (value) => typeof value === 'string'
const isName: Check = (value) => typeof value === 'string' && value !== ''
const isCount: Check = (value) => Number.isSafeInteger(value) && Number(value) >= 0
const isTime: Check = (value) => Number.isFinite(value)
const isEvent: Check = (value) => isPlainObject(value) && isName(value['type'])
const isFlag: Check = (value) => typeof value === 'boolean'
const isListOfText: Check = (value) => Array.isArray(value) && value.every(isText)

function optional(check: Check): Check {
  return (value) => value === undefined || check(value)
}

const toConnection: Checks = { connectionId: isName, connectedAt: isTime }

/** The fields of a task of each kind. */
const tasks: Readonly<Record<DeliveryTask['kind'], Checks>> = {
  frames: { ...toConnection, frames: isListOfText, close: optional(isFlag) },
  event: { ...toConnection, event: isEvent },
  end: { ...toConnection, at: isTime, code: isCount },
  group: {
    group: isName,
    layer: optional(isName),
    after: optional(isText),
    upTo: optional(isText),
    exclude: isListOfText,
    event: optional(isEvent),
    frame: optional(isText),
    sentAt: optional(isTime),
    close: optional(isCount),
  },
}

function wrongField(delivery: Record<string, unknown>): string | undefined {
  const { task, ...envelope } = delivery
  const outer = wrongOf(envelope, { endpoint: isName, attempt: isCount, isInOrder: optional(isFlag) })
  if (outer !== undefined) return outer
  if (!isPlainObject(task)) return 'task'
  const kind = Object.entries(tasks).find(([name]) => name === task['kind'])
  if (kind === undefined) return 'task.kind'
  const inner = wrongOf(task, kind[1])
  if (inner !== undefined) return `task.${inner}`
  return task['kind'] === 'group' && !hasOnePayload(task) ? 'what task has for the group' : undefined
}

function wrongOf(fields: Record<string, unknown>, checks: Checks): string | undefined {
  return Object.entries(checks).find(([name, isRight]) => !isRight(fields[name]))?.[0]
}

/** An event, a frame or both, where a broadcast handler has made the frame of the event; or a close, alone. */
function hasOnePayload({ event, frame, close }: Record<string, unknown>): boolean {
  const isSaying = event !== undefined || frame !== undefined
  return isSaying !== (close !== undefined)
}
