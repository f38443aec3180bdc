import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { watchSources } from '../../../local/dev-watch.ts'

async function sourceFolder() {
  const folder = await mkdtemp(join(tmpdir(), 'dev-watch-'))
  return { folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) }
}

function watching(folder: string) {
  const changes: string[][] = []
  const onError = (error: Error) => expect.unreachable(String(error))
  const watch = watchSources({
    folders: [folder],
    onChange: (files) => changes.push([...files]),
    onError,
    quietMs: 200,
  })
  return { changes, [Symbol.dispose]: () => watch.close() }
}

test('files written in a burst are reported together, each once', async () => {
  await using source = await sourceFolder()
  await mkdir(join(source.folder, 'nested'))
  using watch = watching(source.folder)
  const first = join(source.folder, 'first.ts')
  const second = join(source.folder, 'nested', 'second.ts')

  await writeFile(first, '1')
  await writeFile(second, '1')
  await writeFile(first, '2')

  await vi.waitFor(() => expect(watch.changes.flat()).toHaveLength(2), { timeout: 10_000 })
  expect(watch.changes.map((files) => files.toSorted())).toEqual([[first, second].toSorted()])
})

test('what is not a source file is not reported', async () => {
  await using source = await sourceFolder()
  using watch = watching(source.folder)

  await writeFile(join(source.folder, 'page.html'), '1')
  await writeFile(join(source.folder, '.first.ts.swp'), '1')
  await writeFile(join(source.folder, '.#first.ts'), '1')
  await writeFile(join(source.folder, 'first.ts'), '1')

  await vi.waitFor(() => expect(watch.changes).not.toEqual([]), { timeout: 10_000 })
  expect(watch.changes).toEqual([[join(source.folder, 'first.ts')]])
})

test('nothing is reported after close', async () => {
  await using source = await sourceFolder()
  using open = watching(source.folder)
  const closed = watching(source.folder)

  await writeFile(join(source.folder, 'first.ts'), '1')
  closed[Symbol.dispose]()

  await vi.waitFor(() => expect(open.changes).not.toEqual([]), { timeout: 10_000 })
  expect(closed.changes).toEqual([])
})
