/** What the command line says to every suite. */
export interface BenchOptions {
  /** How often a case that is compared with another runs, in turn with that other; its figure is the median. */
  readonly runs: number
  /** Whether one short run is enough: shows that it works, proves no figure. */
  readonly isQuick: boolean
}
