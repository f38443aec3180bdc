import type { Page } from 'playwright-core'

/** Goes through the index page into a room, with the keyboard, and waits for the connection. */
export async function enterRoom(page: Page, url: string, room: string): Promise<void> {
  await page.goto(url)
  await page.locator('#room-name-input').fill(room)
  await page.keyboard.press('Enter')
  await page.waitForURL(`**/chat/${encodeURIComponent(room)}/`)
  await connected(page)
}

/** Types a message and presses Enter. */
export async function postMessage(page: Page, message: string): Promise<void> {
  await page.locator('#chat-message-input').fill(message)
  await page.keyboard.press('Enter')
}

/** The value of `#chat-log`: what the tutorial's tests read. */
export function chatLog(page: Page): Promise<string> {
  return page.evaluate<string>("document.querySelector('#chat-log').value")
}

/** Resolves when the log has this message. */
export async function seesMessage(page: Page, message: string): Promise<void> {
  await page.locator('#chat-log .message', { hasText: message }).first().waitFor()
}

/** Resolves when the page says that it is connected. */
export async function connected(page: Page): Promise<void> {
  await page.locator('body[data-connection=connected]').waitFor()
}

/** Resolves to what the notice says, once it says `pattern`. */
export async function notice(page: Page, pattern: RegExp): Promise<string> {
  const text = page.locator('#notice-text', { hasText: pattern })
  await text.waitFor()
  return await text.innerText()
}
