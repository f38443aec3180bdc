import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DocumentationProject, linkSources } from '../support/documentation-project.ts'
import {
  blockFile,
  documentationPages,
  extractCodeBlocks,
  isTutorial,
  readCodeBlocks,
} from '../support/documentation.ts'
import { readExportedSources, readText, root } from '../support/repository.ts'

const pages = await documentationPages(root)
const blocks = await readCodeBlocks(root, pages)
// The tutorial is followed step by step, and compiled after each, in tarball.test.ts.
const typescript = blocks.filter(({ language, page }) => language === 'ts' && !isTutorial(page))

describe('the documentation', () => {
  let project: DocumentationProject
  let diagnostics: readonly string[]

  beforeAll(async () => {
    const exportedSources = await readExportedSources()
    project = await DocumentationProject.create(async (folder) => await linkSources(exportedSources, folder))
    await project.write(typescript)
    diagnostics = await project.compile()
  })

  afterAll(async () => await project[Symbol.asyncDispose]())

  test('shows TypeScript in the README', () => {
    expect(typescript.filter(({ page }) => page === 'README.md')).not.toHaveLength(0)
  })

  test.each(typescript.map((block) => ({ name: `${block.page}:${block.line}`, block })))(
    '$name compiles',
    ({ block }) => {
      const file = blockFile(block)

      expect(diagnostics.filter((line) => line.startsWith(file))).toEqual([])
    },
  )

  test('compiles as a whole', () => {
    expect(diagnostics).toEqual([])
  })

  const runnable = typescript.filter(({ isRun }) => isRun)
  test.each(runnable.map((block) => ({ name: `${block.page}:${block.line}`, block })))(
    '$name runs',
    async ({ block }) => {
      const printed = await project.run(block)

      expect(printed).toBe(block.output ?? printed)
    },
  )

  test('names only npm scripts that exist', async () => {
    const { scripts } = JSON.parse(await readText('package.json')) as { scripts: Record<string, string> }
    const shell = blocks.filter(({ language }) => ['sh', 'bash', 'console'].includes(language))
    const named = shell.flatMap(({ code }) =>
      [...code.matchAll(/\bnpm run ([\w:-]+)/g)].map((match) => match[1] ?? ''),
    )

    expect(named.filter((name) => !(name in scripts))).toEqual([])
  })

  test('links only to files that exist', async () => {
    const texts = await Promise.all(pages.map(async (page) => [page, await readText(page)] as const))
    const links = texts.flatMap(([page, text]) =>
      [...text.matchAll(/\]\((?!https?:|mailto:|#)([^)#\s]+)/g)].map(
        (match) => [page, match[1] ?? ''] as const,
      ),
    )

    const broken = await Promise.all(
      links.map(async ([page, target]) => {
        const path = new URL(target, `file:///${page}`).pathname.slice(1)
        return await readText(path).then(
          () => [],
          (error: NodeJS.ErrnoException) => (error.code === 'EISDIR' ? [] : [`${page} → ${target}`]),
        )
      }),
    )

    expect(broken.flat()).toEqual([])
  })
})

describe('the reader of code blocks', () => {
  test('finds each block with its page, line and words', () => {
    const [block] = extractCodeBlocks('docs/a.md', 'text\n```ts run file=chat.ts\nlet a = 1\n```\n')

    expect(block).toMatchObject({
      page: 'docs/a.md',
      line: 2,
      isRun: true,
      file: 'chat.ts',
      code: 'let a = 1\n',
    })
  })

  test('gives an output block to the block before it', () => {
    const [block] = extractCodeBlocks('a.md', '```ts run\nx\n```\n\n```text output\nhi\n```\n')

    expect(block?.output).toBe('hi\n')
  })

  test('refuses a block that is never closed', () => {
    expect(() => extractCodeBlocks('a.md', '```ts\nx\n')).toThrow('a.md:1: the code block is never closed')
  })

  test('refuses a word it does not know, so that no block is left out by a typo', () => {
    expect(() => extractCodeBlocks('a.md', '```ts rnu\nx\n```\n')).toThrow('"rnu" after ```ts')
  })
})
