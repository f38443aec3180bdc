import { readFile, readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'

/** One fenced block of a page. */
export interface CodeBlock {
  /** The page, relative to the repository. */
  readonly page: string
  /** The line of the opening fence, from 1. */
  readonly line: number
  /** The first word after the fence: `ts`, `sh`, `text`; of `sh serve`, a command that keeps running, it is `serve`. */
  readonly language: string
  /** `file=chat.ts`: the name under which the page's later blocks import this one. */
  readonly file: string | undefined
  /** `run`: the block is executed, not only compiled. */
  readonly isRun: boolean
  readonly code: string
  /** The text of an `output` block right after this one: what it prints. */
  readonly output: string | undefined
}

interface Fence {
  readonly ticks: string
  readonly indent: number
  readonly info: string
  readonly line: number
}

const KNOWN_WORDS = ['run', 'output']

const KINDS: ReadonlyMap<string, string> = new Map([
  ['text output', 'output'],
  ['sh serve', 'serve'],
])

/** Whether a page is a part of the tutorial, whose files replace each other from part to part. */
export function isTutorial(page: string): boolean {
  return page.startsWith('docs/tutorial/')
}

/** The Markdown pages a reader meets, relative to `root`: those at the top and everything under `docs/`. */
export async function documentationPages(root: string): Promise<readonly string[]> {
  const top = await readdir(root)
  const inDocs = await readdir(join(root, 'docs'), { recursive: true })
  return [...top, ...inDocs.map((name) => join('docs', name))]
    .filter((name) => name.endsWith('.md'))
    .toSorted()
}

/** The fenced blocks of these pages. */
export async function readCodeBlocks(root: string, pages: readonly string[]): Promise<readonly CodeBlock[]> {
  const blocks = await Promise.all(
    pages.map(async (page) => extractCodeBlocks(page, await readFile(join(root, page), 'utf8'))),
  )
  return blocks.flat()
}

/** The fenced blocks of one page's text, indented ones (in lists) too. */
export function extractCodeBlocks(page: string, text: string): readonly CodeBlock[] {
  const blocks: CodeBlock[] = []
  let fence: Fence | undefined
  let body: string[] = []
  for (const [index, line] of text.split('\n').entries()) {
    if (fence === undefined) {
      fence = openingFence(line, index + 1)
      body = []
    } else if (isClosing(line, fence)) {
      addBlock(blocks, toBlock(page, fence, body.join('\n')))
      fence = undefined
    } else {
      body.push(line.slice(fence.indent))
    }
  }
  if (fence !== undefined)
    throw new Error(`${page}:${fence.line}: the code block is never closed: add a closing fence`)
  return blocks
}

/** The file a block is written to: its own name, or one that says where it came from. */
export function blockFile(block: CodeBlock): string {
  const folder = block.page.replace(/\.md$/, '').replaceAll('/', '__')
  return join(folder, block.file ?? `${basename(folder)}-line-${block.line}.ts`)
}

function openingFence(line: string, number: number): Fence | undefined {
  const [, indent = '', ticks, info = ''] = /^( *)(`{3,})([^`]*)$/.exec(line) ?? []
  return ticks === undefined ? undefined : { ticks, indent: indent.length, info, line: number }
}

function isClosing(line: string, fence: Fence): boolean {
  const text = line.trim()
  return text.startsWith(fence.ticks) && /^`+$/.test(text)
}

function toBlock(page: string, fence: Fence, code: string): CodeBlock {
  const [language = '', ...words] = fence.info.trim().split(/\s+/)
  const unknown = words.find((word) => !KNOWN_WORDS.includes(word) && !word.startsWith('file='))
  if (language === 'ts' && unknown !== undefined) {
    throw new Error(`${page}:${fence.line}: "${unknown}" after \`\`\`ts: use "run" or "file=name.ts"`)
  }
  return {
    page,
    line: fence.line,
    language: KINDS.get(`${language} ${words.join(' ')}`) ?? language,
    file: words.find((word) => word.startsWith('file='))?.slice('file='.length),
    isRun: language === 'ts' && words.includes('run'),
    code: `${code}\n`,
    output: undefined,
  }
}

/** An output block belongs to the block before it. */
function addBlock(blocks: CodeBlock[], block: CodeBlock): void {
  if (block.language !== 'output') {
    blocks.push(block)
    return
  }
  const before = blocks.pop()
  if (before?.isRun !== true) {
    throw new Error(
      `${block.page}:${block.line}: an output block follows a \`\`\`ts run block: move it there`,
    )
  }
  blocks.push({ ...before, output: block.code })
}
