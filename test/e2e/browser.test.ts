import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { chatLog, connected, enterRoom, notice, postMessage, seesMessage } from './chat-page.ts'
import { isChromiumMissing, launchChromium } from './chromium.ts'
import { type DevProcess, startDev } from './dev-process.ts'

describe.skipIf(isChromiumMissing)('the chat in a browser', () => {
  let browser: Browser
  let dev: DevProcess

  beforeAll(async () => {
    dev = await startDev()
    browser = await launchChromium()
  })

  afterAll(async () => {
    await browser?.close()
    await dev?.[Symbol.asyncDispose]()
  })

  async function context(
    options: Parameters<Browser['newContext']>[0] = {},
  ): Promise<BrowserContext & AsyncDisposable> {
    return await browser.newContext(options)
  }

  async function windowIn(windows: BrowserContext, room: string): Promise<Page> {
    const page = await windows.newPage()
    await enterRoom(page, dev.url, room)
    return page
  }

  test('a message posted in a room is seen by everybody in that room', async () => {
    await using windows = await context()
    const one = await windowIn(windows, 'room_1')
    const two = await windowIn(windows, 'room_1')

    await postMessage(one, 'hello')

    await seesMessage(one, 'hello')
    await seesMessage(two, 'hello')
    expect([await chatLog(one), await chatLog(two)]).toEqual(['hello\n', 'hello\n'])
  })

  test('a message posted in a room is never seen in another room', async () => {
    await using windows = await context()
    const one = await windowIn(windows, 'room_a')
    const two = await windowIn(windows, 'room_b')

    await postMessage(one, 'hello')
    await seesMessage(one, 'hello')
    await postMessage(two, 'world')
    await seesMessage(two, 'world')

    expect([await chatLog(one), await chatLog(two)]).toEqual(['hello\n', 'world\n'])
  })

  test('the buttons do what the Enter key does', async () => {
    await using windows = await context()
    const page = await windows.newPage()
    await page.goto(dev.url)

    await page.locator('#room-name-input').fill('buttons')
    await page.locator('#room-name-submit').click()
    await connected(page)
    await page.locator('#chat-message-input').fill('clicked')
    await page.locator('#chat-message-submit').click()

    await seesMessage(page, 'clicked')
    expect(await page.locator('#chat-message-input').inputValue()).toBe('')
  })

  test('markup in a message is text', async () => {
    await using windows = await context()
    const page = await windowIn(windows, 'markup')
    const message = '<img src=x onerror="document.title=1"> & <b>bold</b>'

    await postMessage(page, message)
    await seesMessage(page, '<img')

    expect(await chatLog(page)).toBe(`${message}\n`)
    expect(await page.locator('#chat-log img, #chat-log b').count()).toBe(0)
  })

  test('a reader who scrolled up stays there; the others see the newest message', async () => {
    await using windows = await context({ viewport: { width: 400, height: 400 } })
    const page = await windowIn(windows, 'scrolling')
    const scrolled = (): Promise<number> =>
      page.evaluate<number>("document.querySelector('#chat-log').scrollTop")
    for (let number = 1; number <= 20; number += 1) await postMessage(page, `message ${number}.`)
    await seesMessage(page, 'message 20.')
    expect(await scrolled()).toBeGreaterThan(0)

    await page.locator('#chat-log').evaluate((log) => log.scrollTo(0, 0))
    await postMessage(page, 'the last one')
    await page.locator('#chat-log .message', { hasText: 'the last one' }).waitFor({ state: 'attached' })

    expect(await scrolled()).toBe(0)
  })

  test('a room that the server refuses: the page says so and keeps waiting longer', async () => {
    await using windows = await context()
    const page = await windows.newPage()
    await page.goto(`${dev.url}/chat/no%20such%20room!/`)

    const text = await notice(page, /could not be opened/)
    expect(text).toContain('“no such room!”')
    expect(text).toContain('Names of letters a to z, digits, hyphens and underscores work')
    await page.locator('body[data-connection=waiting]').waitFor()
    expect(await page.locator('#connection-status').innerText()).toBe('Not connected')
    await page.locator('#other-room').click()
    await page.waitForURL(`${dev.url}/`)
  })

  test('a name that no room can have stays on the index page, with a message', async () => {
    await using windows = await context()
    const page = await windows.newPage()
    await page.goto(dev.url)

    for (const name of ['', '   ', '.', '..', 'no such room!', 'café', 'a/b']) {
      await page.locator('#room-name-input').fill(name)
      await page.keyboard.press('Enter')
      expect(await page.evaluate("document.querySelector('#room-name-input').validationMessage")).not.toBe('')
    }

    expect(new URL(page.url()).pathname).toBe('/')
  })

  test('the status ends where the button below it ends, and no line is short of the end of its bubble', async () => {
    await using windows = await context({ viewport: { width: 1000, height: 700 } })
    const page = await windowIn(windows, 'layout')
    const right = (selector: string): Promise<number> =>
      page.evaluate<number>(`document.querySelector('${selector}').getBoundingClientRect().right`)
    await postMessage(page, 'x'.repeat(400))
    await seesMessage(page, 'xxx')

    const lines = await page.evaluate<number>(`(() => {
      const range = document.createRange()
      range.selectNodeContents(document.querySelector('#chat-log .message'))
      return Math.max(...[...range.getClientRects()].map((line) => line.right))
    })()`)

    expect(await right('#connection-status')).toBeCloseTo(await right('#chat-message-submit'), 0)
    // A character, and the padding.
    expect((await right('#chat-log .message')) - lines).toBeLessThan(30)
  })

  test.each([
    ['a small phone', 320, 568],
    ['a phone on its side', 640, 320],
    ['a desktop', 1280, 800],
  ])('on %s nothing is wider than the screen, and there is room to tap', async (_name, width, height) => {
    await using windows = await context({
      viewport: { width, height },
      isMobile: width < 700,
      hasTouch: width < 700,
    })
    const page = await windows.newPage()
    const contentWidth = (): Promise<number> => page.evaluate<number>('document.documentElement.scrollWidth')
    const height44 = async (selector: string): Promise<boolean> =>
      ((await page.locator(selector).boundingBox())?.height ?? 0) >= 44

    await page.goto(dev.url)
    const index = { width: await contentWidth(), tap: await height44('#room-name-submit') }
    await enterRoom(page, dev.url, `a${'_long_name'.repeat(8)}${width}`)
    await postMessage(page, 'wide'.repeat(200))
    await seesMessage(page, 'wide')
    const room = { width: await contentWidth(), tap: await height44('#chat-message-submit') }
    await page.goto(`${dev.url}/chat/${'not%20a%20room'.repeat(8)}/`)
    await notice(page, /could not be opened/)
    // The button is away while a try is under way.
    await expect.poll(() => height44('#reconnect'), { timeout: 15_000 }).toBe(true)
    const refused = { width: await contentWidth(), tap: true }

    expect([index, room, refused]).toEqual([
      { width, tap: true },
      { width, tap: true },
      { width, tap: true },
    ])
  })
})
