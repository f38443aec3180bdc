/** How a post to `@connections` is made to go wrong. */
export type PostFault =
  | { readonly kind: 'status'; readonly status: number }
  | { readonly kind: 'hang' }
  | { readonly kind: 'reset' }
  | { readonly kind: 'lost-answer' }

/** An invocation of the delivery function that will be killed. */
export interface DoomedDelivery {
  /** Aborted when it is killed. */
  readonly signal: AbortSignal
  /** Forgets it: it has ended, or was killed. */
  forget(): void
}

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
  /** Ids of connections whose client does not keep up: as long as they are in here, posts to them answer 429. */
  readonly slowClients: Set<string> = new Set()
  /** Queue messages are handed out in random order: a standard queue promises none. */
  shuffleMessages = false
  /** Queue messages come this many milliseconds late. */
  delayMessagesMs = 0

  #posts: PostFault[] = []
  #second = 0
  #postsInSecond = 0
  #duplicates = 0
  #kills: number[] = []
  readonly #doomed = new Set<{ postsLeft: number; readonly kill: AbortController }>()

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

  /** The next `count` posts are delivered, and their TCP connection is reset instead of an answer. */
  loseNextAnswers(count: number): void {
    this.#add(count, { kind: 'lost-answer' })
  }

  /** The next `count` queue messages that are done come once more: a standard queue delivers at least once. */
  duplicateNextMessages(count: number): void {
    this.#duplicates += count
  }

  /**
   * The next `count` invocations of the delivery function are killed as soon as `afterPosts` posts of anybody were
   * delivered since they began, and at their end at the latest: they give no result, what they did stands, and their
   * messages come again after the visibility time-out. A container dies; a function in this process goes on unheard.
   */
  killNextDeliveries(count: number, { afterPosts = 1 }: { readonly afterPosts?: number } = {}): void {
    for (let added = 0; added < count; added += 1) this.#kills.push(afterPosts)
  }

  /** Switches everything off. */
  clear(): void {
    this.loseDisconnect = false
    this.delayDisconnectMs = 0
    this.duplicateDisconnect = false
    this.openLateMs = 0
    this.postsPerSecond = Number.POSITIVE_INFINITY
    this.#posts = []
    this.slowClients.clear()
    this.shuffleMessages = false
    this.delayMessagesMs = 0
    this.#duplicates = 0
    this.#kills = []
  }

  /** Takes the fault of one post at `now`; `undefined` if it shall go well. */
  takePostFault(now: number): PostFault | undefined {
    if (this.#posts.length > 0) return this.#posts.shift()
    return this.postsPerSecond === Number.POSITIVE_INFINITY
      ? undefined
      : this.#rateFault(Math.floor(now / 1000))
  }

  /** Told of each post that is delivered: this is when a delivery dies. */
  postDelivered(): void {
    for (const doomed of this.#doomed) {
      doomed.postsLeft -= 1
      if (doomed.postsLeft <= 0) doomed.kill.abort()
    }
  }

  /** Takes the end of one invocation of the delivery function that begins now; `undefined` if it shall go well. */
  takeDoom(): DoomedDelivery | undefined {
    const postsLeft = this.#kills.shift()
    if (postsLeft === undefined) return undefined
    const doomed = { postsLeft, kill: new AbortController() }
    if (postsLeft <= 0) doomed.kill.abort()
    this.#doomed.add(doomed)
    return { signal: doomed.kill.signal, forget: () => void this.#doomed.delete(doomed) }
  }

  /** Takes whether a queue message that is done comes once more. */
  takeDuplicate(): boolean {
    if (this.#duplicates === 0) return false
    this.#duplicates -= 1
    return true
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
