// What DynamoDB takes and answers is the SDK's input and output as JSON, but for binary values, which are base64:
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.LowLevelAPI.html

const BINARY = 'B'
// Within a text its quotes would be escaped.
const ANY_BINARY = /"B"\s*:\s*"/

/** The body of a request. */
export function toWire(input: object): string {
  return JSON.stringify(input, bytesAsBase64)
}

/** What is in the body of an answer. */
export function fromWire(body: string): object {
  // A reviver makes parsing several times as slow.
  return (ANY_BINARY.test(body) ? JSON.parse(body, base64AsBytes) : JSON.parse(body)) as object
}

function bytesAsBase64(this: Record<string, unknown>, key: string, value: unknown): unknown {
  // Not `value`: a Buffer has made an object of itself by then.
  const original = this[key]
  return original instanceof Uint8Array ? Buffer.from(original).toString('base64') : value
}

// Attributes and map entries may be named B too: what they hold are objects.
function base64AsBytes(key: string, value: unknown): unknown {
  return key === BINARY && typeof value === 'string' ? Buffer.from(value, 'base64') : value
}
