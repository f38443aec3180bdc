import type { Connection } from '../application.ts'

/** Fields that the framework itself puts on a consumer. */
const FRAMEWORK_FIELDS = new Set(['scope', 'connection', 'channelName', 'channelLayer', 'state'])

/**
 * Watches for the classic mistake of moving a consumer to Lambda: a plain field that one event sets and a
 * later one reads, where it has its first value again. Each is reported once an event, by consumer and name.
 *
 * Fields are compared with what the constructor left. Private `#fields` cannot be seen.
 */
export function watchLostFields(consumer: object, connection: Connection): { report(): void } {
  const name = consumer.constructor.name
  const fields = consumer as Record<string, unknown>
  const constructed = new Map(ownFields(fields))
  const watched = new Set<string>()
  for (const field of connection.lostFields(name)) {
    if (FRAMEWORK_FIELDS.has(field)) continue
    watched.add(field)
    reportFirstRead(fields, field, () => {
      connection.logger.warn(
        `${name}.${field} was set in an earlier event and read in this one, where it is not: a fresh consumer serves every event. Keep it in this.state, or derive it from this.scope`,
        { consumer: name, field },
      )
      connection.count('lostField')
    })
  }
  return {
    report() {
      const set = ownFields(fields)
        .filter(
          ([field, value]) =>
            !watched.has(field) && (!constructed.has(field) || constructed.get(field) !== value),
        )
        .map(([field]) => field)
      if (set.length > 0) connection.reportFields(name, set)
    },
  }
}

function ownFields(fields: Record<string, unknown>): [string, unknown][] {
  return Object.keys(fields)
    .filter(
      (field) =>
        !FRAMEWORK_FIELDS.has(field) && Object.getOwnPropertyDescriptor(fields, field)?.get === undefined,
    )
    .map((field) => [field, fields[field]])
}

/** Makes `field` call `report` when it is read before this event has set it. */
function reportFirstRead(fields: Record<string, unknown>, field: string, report: () => void): void {
  let value = fields[field]
  let isSettled = false
  Object.defineProperty(fields, field, {
    configurable: true,
    enumerable: true,
    get() {
      if (!isSettled) report()
      isSettled = true
      return value
    },
    set(next: unknown) {
      isSettled = true
      value = next
    },
  })
}
