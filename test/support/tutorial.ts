import type { CodeBlock } from './documentation.ts'
import type { Server, Stranger } from './stranger.ts'

/** A moment at which the reader of the tutorial has a server running, and may look at it. */
export interface Sight {
  readonly page: string
  readonly url: string
}

/**
 * Follows the tutorial block by block: writes each file, types each command, and stops at each server that it starts.
 *
 * @throws Error if a file of TypeScript is replaced, or left, before `npx tsc` has seen it
 */
export async function* followTutorial(
  stranger: Stranger,
  blocks: readonly CodeBlock[],
): AsyncGenerator<Sight, void> {
  await using reader = new Reader(stranger)
  for (const block of blocks) {
    if (block.file !== undefined) await reader.write(block, block.file)
    if (block.language === 'sh') await reader.type(block)
    if (block.language === 'serve') yield { page: block.page, url: await reader.serve(block) }
  }
  reader.requireCompiled()
}

class Reader implements AsyncDisposable {
  readonly #stranger: Stranger
  /** Versions of files that the compiler has not seen. */
  readonly #unchecked = new Map<string, CodeBlock>()
  #server: Server | undefined

  constructor(stranger: Stranger) {
    this.#stranger = stranger
  }

  async write(block: CodeBlock, file: string): Promise<void> {
    await this[Symbol.asyncDispose]()
    requireNone(this.#unchecked.get(file))
    await this.#stranger.write(file, block.code)
    if (block.language === 'ts') this.#unchecked.set(file, block)
  }

  async type({ code }: CodeBlock): Promise<void> {
    await this.#stranger.type(code.replaceAll('http://127.0.0.1:8000', this.#server?.url ?? ''))
    if (code.includes('npx tsc')) this.#unchecked.clear()
  }

  /** Resolves to the server's address. */
  async serve({ code }: CodeBlock): Promise<string> {
    this.#server = await this.#stranger.serve(code)
    return this.#server.url
  }

  requireCompiled(): void {
    for (const block of this.#unchecked.values()) requireNone(block)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server?.[Symbol.asyncDispose]()
  }
}

function requireNone(block: CodeBlock | undefined): void {
  if (block === undefined) return
  throw new Error(
    `${block.page}:${block.line}: nothing compiles this version of ${block.file}: let the reader type npx tsc behind it`,
  )
}
