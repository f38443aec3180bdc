/** What the library logs to. `console` fits, and so does the Logger of Powertools for AWS Lambda. */
export interface Logger {
  debug(message: string, details?: object): void
  info(message: string, details?: object): void
  warn(message: string, details?: object): void
  error(message: string, details?: object): void
}
