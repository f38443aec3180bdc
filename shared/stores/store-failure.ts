import { StoreError } from '../errors.ts'

/** What `read` returns, or the {@link StoreError} that it throws: what cannot be read costs nothing beside it. */
export function readOrFailure<Value>(read: () => Value): Value | StoreError {
  try {
    return read()
  } catch (error) {
    if (error instanceof StoreError) return error
    throw error
  }
}

/** The {@link StoreError} that `work` fails with, if it does. */
export async function failureOf(work: Promise<unknown>): Promise<StoreError | undefined> {
  try {
    await work
    return undefined
  } catch (error) {
    if (error instanceof StoreError) return error
    throw error
  }
}
