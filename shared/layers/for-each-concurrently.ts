/**
 * Calls `visit` for each item, at most `limit` at a time, in order of the items. Resolves when all are done;
 * rejects with the first failure once those under way have ended, and starts no more.
 */
export async function forEachConcurrently<T>(
  items: readonly T[],
  limit: number,
  visit: (item: T) => Promise<void>,
): Promise<void> {
  let next = 0
  let isFailed = false
  const worker = async (): Promise<void> => {
    while (!isFailed && next < items.length) {
      const item = items[next++] as T
      try {
        await visit(item)
      } catch (error) {
        isFailed = true
        throw error
      }
    }
  }
  const results = await Promise.allSettled(Array.from({ length: Math.min(limit, items.length) }, worker))
  const failure = results.find((result) => result.status === 'rejected')
  if (failure) throw failure.reason
}
