/** `npm run bench -- <suite> …`: each suite prints one JSON line a case. Nothing here passes or fails. */
const suites: Readonly<Record<string, () => Promise<{ run(): Promise<void> }>>> = {
  chat: () => import('./chat.ts'),
  cold: () => import('./cold.ts'),
}

const names = process.argv.slice(2)
const unknown = names.filter((name) => !Object.hasOwn(suites, name))
if (unknown.length > 0) {
  console.error(`unknown bench ${unknown.join(', ')}: there are ${Object.keys(suites).join(' and ')}`)
  process.exit(2)
}
for (const name of names.length > 0 ? names : Object.keys(suites)) {
  const suite = await suites[name]?.()
  await suite?.run()
}
