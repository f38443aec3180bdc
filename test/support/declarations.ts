import { readText } from './repository.ts'

const NAMED = /export\s+(type\s+)?\{([^}]*)\}\s*from\s*['"]([^'"]+)['"]/g
const ALL = /export\s+\*\s+from\s*['"]([^'"]+)['"]/g
const DECLARATION = /^export (?:abstract )?(?:async )?(class|function\*?|interface|type|const) (\w+)/gm

/** One name that a public `index.ts` exports. */
export interface PublicName {
  readonly name: string
  readonly isType: boolean
  /** The file that declares it, relative to the repository. */
  readonly file: string
}

/**
 * The names that `index` exports, in the order of the alphabet. An index only re-exports: anything else in it is
 * an error, since it would escape this list.
 */
export async function readPublicNames(index: string): Promise<readonly PublicName[]> {
  const text = withoutComments(await readText(index))
  const rest = text.replaceAll(NAMED, '').replaceAll(ALL, '').trim()
  if (rest !== '')
    throw new Error(`${index}: "${rest.slice(0, 80)}": an index only re-exports from other files`)
  const named = [...text.matchAll(NAMED)].flatMap(([, type, list = '', specifier = '']) => {
    const file = resolve(index, specifier)
    return entries(list).map((entry) => toPublicName(entry, { isType: type !== undefined, file }))
  })
  const all = await Promise.all(
    [...text.matchAll(ALL)].map(async ([, from = '']) => await readDeclared(resolve(index, from))),
  )
  return [...named, ...all.flat()].toSorted((one, other) => (one.name < other.name ? -1 : 1))
}

/** The names without a docstring right before their declaration, as `file: name`. */
export async function findUndocumented(names: readonly PublicName[]): Promise<readonly string[]> {
  const checked = await Promise.all(
    names.map(async ({ name, file }) =>
      isDocumented(await readText(file), name) ? [] : [`${file}: ${name}`],
    ),
  )
  return checked.flat()
}

/** Says whether the declaration of `name` in `text` follows a docstring. Of overloads, the first counts. */
export function isDocumented(text: string, name: string): boolean {
  const declaration = new RegExp(
    `\\*/\\nexport (?:declare )?(?:abstract )?(?:async )?(?:class|function\\*?|interface|type|const) ${name}\\b`,
  )
  return declaration.test(text)
}

/** The names that `file` declares and exports. */
async function readDeclared(file: string): Promise<readonly PublicName[]> {
  const declarations = (await readText(file)).matchAll(DECLARATION)
  return [...declarations].map(([, kind = '', name = '']) => ({
    name,
    isType: ['interface', 'type'].includes(kind),
    file,
  }))
}

function resolve(index: string, specifier: string): string {
  return new URL(specifier, `file:///${index}`).pathname.slice(1)
}

function toPublicName(entry: string, from: { readonly isType: boolean; readonly file: string }): PublicName {
  const [, type, name = ''] = /^(type\s+)?(\w+)$/.exec(entry) ?? []
  if (name === '') throw new Error(`${from.file}: cannot read "${entry}": export each name as it is declared`)
  return { name, isType: from.isType || type !== undefined, file: from.file }
}

function entries(list: string): readonly string[] {
  return list
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')
}

function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/^\s*\/\/.*$/gm, '')
}
