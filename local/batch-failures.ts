import { isPlainObject } from '../shared/message.ts'
import type { LambdaResult } from './lambda-function.ts'

/**
 * Why messages of `batch` failed, by message id, as the event source mapping reads ReportBatchItemFailures: an answer it
 * cannot read fails the whole batch.
 */
export function failuresOf(
  result: LambdaResult,
  batch: readonly { readonly messageId: string }[],
): Map<string, string> {
  const all = (reason: string): Map<string, string> =>
    new Map(batch.map(({ messageId }) => [messageId, reason]))
  if (result.kind === 'timeout') return all(`the function timed out after ${result.timeoutMs} ms`)
  if (result.kind === 'error')
    return all([`${result.errorType}: ${result.message}`, ...result.trace.slice(1)].join('\n'))
  if (!isPlainObject(result.value)) return new Map()
  const items: unknown = result.value['batchItemFailures'] ?? []
  if (!Array.isArray(items)) return all('the function returned batchItemFailures that is no array')
  const ids = new Set(batch.map(({ messageId }) => messageId))
  const failures = new Map<string, string>()
  for (const item of items as readonly unknown[]) {
    const id = isPlainObject(item) ? item['itemIdentifier'] : undefined
    if (typeof id !== 'string' || !ids.has(id))
      return all(`the function returned the itemIdentifier ${JSON.stringify(id)}, which is not in the batch`)
    failures.set(id, 'the function reported it in batchItemFailures')
  }
  return failures
}
