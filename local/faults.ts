/** How a post to `@connections` is made to go wrong. */
export type PostFault =
  | { readonly kind: 'status'; readonly status: number }
  | { readonly kind: 'hang' }
  | { readonly kind: 'reset' }

/**
 * What goes wrong on purpose. Everything is off until a test or the developer switches it on, and each switch
 * works from the next event on.
 */
export class Faults {
  /** `$disconnect` is never invoked: the way a client that loses its network looks for a long time. */
  loseDisconnect = false
  /** `$disconnect` is invoked this many milliseconds late. */
  delayDisconnectMs = 0
  /** `$disconnect` is invoked twice. */
  duplicateDisconnect = false
  /** The time between the return of `$connect` and the opening of the socket, in milliseconds. Posts get 410. */
  openLateMs = 0
  /** Posts that are accepted per second of the clock; all others answer 429. */
  postsPerSecond: number = Number.POSITIVE_INFINITY

  #posts: PostFault[] = []
  #second = 0
  #postsInSecond = 0

  /** The next `count` posts answer 429. */
  throttleNextPosts(count: number): void {
    this.failNextPosts(count, 429)
  }

  /** The next `count` posts answer `status` and deliver nothing. */
  failNextPosts(count: number, status: number): void {
    this.#add(count, { kind: 'status', status })
  }

  /** The next `count` posts are never answered and deliver nothing. */
  hangNextPosts(count: number): void {
    this.#add(count, { kind: 'hang' })
  }

  /** The TCP connection of the next `count` posts is reset before anything is delivered. */
  resetNextPosts(count: number): void {
    this.#add(count, { kind: 'reset' })
  }

  /** Switches everything off. */
  clear(): void {
    this.loseDisconnect = false
    this.delayDisconnectMs = 0
    this.duplicateDisconnect = false
    this.openLateMs = 0
    this.postsPerSecond = Number.POSITIVE_INFINITY
    this.#posts = []
  }

  /** Takes the fault of one post at `now`; `undefined` if it shall go well. */
  takePostFault(now: number): PostFault | undefined {
    if (this.#posts.length > 0) return this.#posts.shift()
    return this.postsPerSecond === Number.POSITIVE_INFINITY
      ? undefined
      : this.#rateFault(Math.floor(now / 1000))
  }

  #rateFault(second: number): PostFault | undefined {
    if (second !== this.#second) {
      this.#second = second
      this.#postsInSecond = 0
    }
    this.#postsInSecond += 1
    return this.#postsInSecond > this.postsPerSecond ? { kind: 'status', status: 429 } : undefined
  }

  #add(count: number, fault: PostFault): void {
    for (let added = 0; added < count; added += 1) this.#posts.push(fault)
  }
}
