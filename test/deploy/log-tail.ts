import { readFileSync } from 'node:fs'

const LINES = 60

/** The end of a log. */
export function logTail(path: string): string {
  return readFileSync(path, 'utf8').trimEnd().split('\n').slice(-LINES).join('\n')
}
