import type { Clock } from '../shared/clock.ts'

const LONGEST_CLOSE_MS = 1_500
// Ctrl-C under `npm run` arrives twice: from the terminal, and passed on by npm.
const SAME_PRESS_MS = 250
const PARENT_CHECK_MS = 200

/** What {@link shutDownOnSignals} needs of the process. */
export interface ShutdownOptions {
  /** `process`. */
  readonly signals: { on(signal: 'SIGINT' | 'SIGTERM' | 'SIGHUP', listener: () => void): unknown }
  /** Ends everything in good order. */
  readonly close: () => Promise<void>
  readonly exit: (code: number) => void
  readonly problem: (text: string) => void
  /**
   * The id of the parent process, to end with it. For `npm run`: npm passes SIGINT and SIGTERM on, and can do
   * nothing when it is killed.
   */
  readonly parentId?: (() => number) | undefined
  readonly clock: Clock
}

/**
 * On SIGINT, SIGTERM or SIGHUP: closes, for at most 1.5 s, and exits with 0; with 1 if closing failed. A second
 * SIGINT exits at once, with 130. The end of the parent, where it is asked for, is as good as a SIGTERM.
 */
export function shutDownOnSignals(options: ShutdownOptions): void {
  const { signals, close, exit, problem, clock, parentId } = options
  let closingSince: number | undefined

  async function shutDown(): Promise<void> {
    closingSince = clock.now()
    const timeout = clock.sleep(LONGEST_CLOSE_MS).then(() => 'timeout')
    try {
      const ended = await Promise.race([close(), timeout])
      if (ended === 'timeout')
        problem(`closing took longer than ${LONGEST_CLOSE_MS} ms: what is left is cut off`)
      exit(0)
    } catch (error) {
      problem(`closing failed: ${String(error)}`)
      exit(1)
    }
  }

  async function endWithParent(id: () => number): Promise<void> {
    const atStart = id()
    while (id() === atStart) await clock.sleep(PARENT_CHECK_MS)
    if (closingSince === undefined) await shutDown()
  }

  if (parentId) void endWithParent(parentId)
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) {
    signals.on(signal, () => {
      if (closingSince === undefined) void shutDown()
    })
  }
  signals.on('SIGINT', () => {
    if (closingSince === undefined) void shutDown()
    else if (clock.now() - closingSince > SAME_PRESS_MS) exit(130)
  })
}
