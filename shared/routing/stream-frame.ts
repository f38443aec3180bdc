import { isPlainObject } from '../message.ts'

/** A client's frame, understood: the stream it is for, with the payload as JSON text. */
export type StreamFrame =
  | { readonly stream: string; readonly payload: string }
  | { readonly problem: 'invalidJson' | 'invalidStreamFrame' }

/** Reads `{ "stream": …, "payload": … }`. */
export function readStreamFrame(text: string): StreamFrame {
  const content = parse(text)
  if (content === undefined) return { problem: 'invalidJson' }
  if (!isPlainObject(content.value) || !Object.hasOwn(content.value, 'payload')) {
    return { problem: 'invalidStreamFrame' }
  }
  const { stream, payload } = content.value
  if (typeof stream !== 'string') return { problem: 'invalidStreamFrame' }
  return { stream, payload: JSON.stringify(payload) }
}

/** The frame with `payload`, which is JSON text, as a stream's; `undefined` if it is no JSON. */
export function streamFrame(stream: string, payload: string): string | undefined {
  if (parse(payload) === undefined) return undefined
  // As it stands: what an application's own encoder wrote is not to be written anew.
  return `{"stream":${JSON.stringify(stream)},"payload":${payload}}`
}

function parse(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) as unknown }
  } catch {
    return undefined
  }
}
