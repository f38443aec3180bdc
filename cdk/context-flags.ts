import type { Node } from 'constructs'
import { ConfigurationError } from '../shared/errors.ts'

/** What `cdk -c name=value` and the `context` of cdk.json say, checked. */
export class ContextFlags {
  readonly #node: Node

  constructor(node: Node) {
    this.#node = node
  }

  /** Undefined if nothing is said. */
  text(name: string): string | undefined {
    const value: unknown = this.#node.tryGetContext(name)
    if (value === undefined || value === '') return undefined
    if (typeof value === 'string') return value
    throw new ConfigurationError(
      `context "${name}" is ${JSON.stringify(value)}: use text, as in -c ${name}=text`,
    )
  }

  /** `missing` if nothing is said. */
  flag(name: string, missing: boolean): boolean {
    const value: unknown = this.#node.tryGetContext(name)
    if (value === undefined || value === '') return missing
    if (value === true || value === 'true') return true
    if (value === false || value === 'false') return false
    throw new ConfigurationError(
      `context "${name}" is ${JSON.stringify(value)}: use true or false, as in -c ${name}=true`,
    )
  }

  /** The first if nothing is said. */
  oneOf<const T extends string>(name: string, values: readonly [T, ...T[]]): T {
    const value = this.text(name)
    if (value === undefined) return values[0]
    const found = values.find((known) => known === value)
    if (found !== undefined) return found
    throw new ConfigurationError(
      `context "${name}" is ${JSON.stringify(value)}: use ${values.join(' or ')}, as in -c ${name}=${values[0]}`,
    )
  }
}
