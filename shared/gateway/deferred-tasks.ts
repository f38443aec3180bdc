import type { DeliveryTask } from '../stores/delivery-queue.ts'

/** JSON bytes of frames in one task: an SQS message has at most 1 MiB, and a frame of 128 KB may need six times that as JSON. */
const MAX_TASK_BYTES = 200_000

/** Frames of one connection that wait. */
export interface WaitingFrames {
  readonly connectionId: string
  readonly connectedAt: number
  readonly frames: readonly string[]
  readonly close: boolean
}

/** Cuts the waiting frames of one connection into tasks that fit into a queue, in order. */
export function deferredTasks({ connectionId, connectedAt, frames, close }: WaitingFrames): DeliveryTask[] {
  const chunks: string[][] = [[]]
  let bytes = 0
  for (const frame of frames) {
    const size = Buffer.byteLength(JSON.stringify(frame))
    if (bytes > 0 && bytes + size > MAX_TASK_BYTES) {
      chunks.push([])
      bytes = 0
    }
    chunks.at(-1)?.push(frame)
    bytes += size
  }
  return chunks.map((chunk, index) => ({
    kind: 'frames',
    connectionId,
    connectedAt,
    frames: chunk,
    ...(close && index === chunks.length - 1 ? { close: true } : {}),
  }))
}
