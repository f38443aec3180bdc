import type { ConnectionRecord } from './channel-store.ts'

/** What a store can show of itself: for people and their tools, at the price of reading everything that it keeps. */
export interface ConnectionListing {
  /**
   * The record of every connection, and of every channel that `newChannel` made, in no order; expired ones are left out.
   * What is opened or ended meanwhile may be among them or not. Pages are read as they are asked for.
   *
   * @throws {@link StoreError} if a page cannot be read
   */
  connections(): AsyncIterable<ConnectionRecord>
}
