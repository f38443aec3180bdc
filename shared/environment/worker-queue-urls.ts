import { ConfigurationError } from '../errors.ts'
import { isPlainObject } from '../message.ts'
import type { Variables } from './variables.ts'

const RULE = `set it to JSON with the URL of a queue by worker channel, such as {"thumbnails-generate":"https://sqs.eu-west-1.amazonaws.com/123456789012/thumbnails"}, or leave it out`

/**
 * The URLs in a variable that holds JSON; none if it is not set.
 *
 * @throws {@link ConfigurationError} if it is something else
 */
export function readWorkerQueues(env: Variables, name: string): Readonly<Record<string, string>> {
  const text = env[name]
  if (!text) return {}
  const variable = `environment variable ${name}`
  const queues = parseJson(text)
  if (!isPlainObject(queues)) {
    throw new ConfigurationError(`${variable} is ${text}, which is no JSON object: ${RULE}`)
  }
  return Object.fromEntries(
    Object.entries(queues).map(([channel, url]): [string, string] => {
      if (typeof url === 'string' && /^https?:\/\/./.test(url) && URL.canParse(url)) return [channel, url]
      throw new ConfigurationError(
        `${variable} has ${JSON.stringify(url)} for "${channel}", which is no URL: ${RULE}`,
      )
    }),
  )
}

/** Undefined if it is no JSON. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
