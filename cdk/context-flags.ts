import type { Node } from 'constructs'
import { ConfigurationError } from '../shared/errors.ts'

/** How a text has to look. */
export interface TextShape {
  readonly pattern: RegExp
  /** What `pattern` asks for, as a reader says it: `use …`. */
  readonly rule: string
  readonly example: string
}

/** https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html */
export const STACK_NAME_SHAPE: TextShape = {
  pattern: /^[A-Za-z][A-Za-z0-9-]{0,127}$/,
  rule: '1 to 128 characters, a-z, A-Z, 0-9 and "-", a letter first',
  example: 'my-chat',
}

/** Of every partition: `eu-west-1`, `us-gov-west-1`, `eusc-de-east-1`. */
export const REGION_SHAPE: TextShape = {
  pattern: /^[a-z]{2,}(?:-[a-z]+)+-[0-9]+$/,
  rule: 'the code of a region',
  example: 'eu-west-1',
}

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

  /** As {@link text}, which has to have that shape. */
  shaped(name: string, { pattern, rule, example }: TextShape): string | undefined {
    const value = this.text(name)
    if (value === undefined || pattern.test(value)) return value
    throw new ConfigurationError(
      `context "${name}" is ${JSON.stringify(value)}: use ${rule}, as in -c ${name}=${example}`,
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
