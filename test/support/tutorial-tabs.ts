import type { Browser, BrowserContext, Page } from 'playwright-core'

/** Tabs of one browser that look at the tutorial's pages. */
export class TutorialTabs implements AsyncDisposable {
  readonly #windows: BrowserContext

  private constructor(windows: BrowserContext) {
    this.#windows = windows
  }

  static async open(browser: Browser): Promise<TutorialTabs> {
    return new TutorialTabs(await browser.newContext())
  }

  /** A tab on the index page. */
  async index(url: string): Promise<Page> {
    const page = await this.#windows.newPage()
    await page.goto(url)
    return page
  }

  /** A tab that went through the index page into a room, and is connected. */
  async room(url: string, room: string): Promise<Page> {
    const page = await this.index(url)
    await enterRoom(page, room)
    await page.locator('#chat-message-submit:not([disabled])').waitFor()
    return page
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#windows.close()
  }
}

/** Types the room's name on the index page, and presses Enter. */
export async function enterRoom(page: Page, room: string): Promise<void> {
  await page.locator('#room-name-input').fill(room)
  await page.keyboard.press('Enter')
  await page.waitForURL(`**/chat/${room}/`)
}

/** Says something in the room. */
export async function say(page: Page, message: string): Promise<void> {
  await page.locator('#chat-message-input').fill(message)
  await page.keyboard.press('Enter')
}

/** Resolves when the log is this. */
export async function hears(page: Page, log: string): Promise<void> {
  await page.waitForFunction(`document.querySelector('#chat-log').value === ${JSON.stringify(log)}`)
}
