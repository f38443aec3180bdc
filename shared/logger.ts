/** What the library logs to. `console` fits; docs/topics/operations.md has an adapter for the Logger of Powertools. */
export interface Logger {
  debug(message: string, details?: object): void
  info(message: string, details?: object): void
  warn(message: string, details?: object): void
  error(message: string, details?: object): void
}
