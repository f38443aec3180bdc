import type { Browser } from 'playwright-core'
import { readCodeBlocks } from './documentation.ts'
import { root } from './repository.ts'
import { Stranger } from './stranger.ts'
import { loadSynthesizedFunctions } from './synthesized-functions.ts'
import { followTutorial } from './tutorial.ts'
import { enterRoom, hears, say, TutorialTabs } from './tutorial-tabs.ts'

const parts = [1, 2, 3, 4, 5].map((part) => `docs/tutorial/part-${part}.md`)

/** Looks at a server; what it returns looks again when the reader has typed what comes after. */
type Look = (tabs: TutorialTabs, url: string) => Promise<void | (() => Promise<void>)>

/** What the reader sees at each server that the tutorial starts, one after the other. */
const sights: readonly Look[] = [
  async (tabs, url) => {
    const page = await tabs.index(url)
    await enterRoom(page, 'lobby')
    await page.getByText('There is no such page.').waitFor()
  },
  async (tabs, url) => {
    const [one, two] = [await tabs.room(url, 'lobby'), await tabs.room(url, 'lobby')]
    await say(one, 'hello')
    await hears(one, 'hello\n')
    await say(two, 'echo')
    await hears(two, 'echo\n')
  },
  async (tabs, url) => {
    const [one, two] = [await tabs.room(url, 'lobby'), await tabs.room(url, 'lobby')]
    const other = await tabs.room(url, 'elsewhere')
    await say(one, 'hello')
    await hears(one, 'hello\n')
    await hears(two, 'hello\n')
    await say(other, 'world')
    await hears(other, 'world\n')
    await hears(one, 'hello\n')
  },
  async (tabs, url) => {
    const page = await tabs.room(url, 'lobby')
    await say(page, '/name Ann')
    await say(page, 'hello')
    await hears(page, 'Ann: hello\n')
    // What is typed in the other terminal comes after this.
    return () => hears(page, 'Ann: hello\nannouncement: dinner\n')
  },
]

/**
 * Follows the whole tutorial in an empty folder, and looks at it in `browser` where there is one.
 *
 * @returns how many servers it has looked at
 */
export async function performTutorial(packed: string, browser: Browser | undefined): Promise<number> {
  const blocks = await readCodeBlocks(root, parts)
  await using stranger = await Stranger.arrive(packed)
  await using tabs = browser && (await TutorialTabs.open(browser))
  let seen = 0
  let lookAgain: (() => Promise<void>) | void = undefined
  for await (const { url } of followTutorial(stranger, blocks)) {
    const look = sights[seen++]
    if (look === undefined)
      throw new Error(`server ${seen} of the tutorial: say in sights what is seen there`)
    await lookAgain?.()
    if (tabs) lookAgain = await look(tabs, url)
  }
  await lookAgain?.()
  await requireDeployable(stranger)
  return seen
}

/** At the end `cdk synth` has bundled the functions of sockets, deliveries and views, with the pages beside them. */
async function requireDeployable({ folder }: Stranger): Promise<void> {
  const functions = await loadSynthesizedFunctions(folder)
  const broken = functions.filter(
    ({ handler, files }) => handler !== 'function' || !files.includes('pages/room.html'),
  )
  if (functions.length === 3 && broken.length === 0) return
  throw new Error(
    `cdk synth made ${functions.length} functions instead of 3; of no use: ${JSON.stringify(broken)}`,
  )
}
