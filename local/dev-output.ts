/** Where the dev command tells what it does. */
export interface DevOutput {
  /** One line on standard output. */
  readonly line: (text: string) => void
  /** One line per connection event; left out with `--quiet`. */
  readonly access: (text: string) => void
  /** What went wrong while the server goes on, on standard error. */
  readonly problem: (text: string) => void
  /** Runs a step that may take long, saying that it began and how long it took. */
  step<Result>(name: string, work: () => Promise<Result>): Promise<Result>
}

/** What a {@link DevOutput} writes to. */
export interface DevStreams {
  readonly stdout: { write(text: string): unknown }
  readonly stderr: { write(text: string): unknown }
}

/** A {@link DevOutput} for people at a terminal. */
export function devOutput({ stdout, stderr }: DevStreams, options: { readonly quiet: boolean }): DevOutput {
  const line = (text: string): void => void stdout.write(`${text}\n`)
  return {
    line,
    access: options.quiet ? () => undefined : line,
    problem: (text) => void stderr.write(`${text}\n`),
    async step(name, work) {
      const startedAt = performance.now()
      stdout.write(`${name} …`)
      try {
        const result = await work()
        line(` ${Math.round(performance.now() - startedAt)} ms`)
        return result
      } catch (error) {
        line(' failed')
        throw error
      }
    },
  }
}
