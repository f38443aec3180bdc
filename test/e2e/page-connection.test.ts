import type { Browser, Page, WebSocketRoute } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { chatLog, connected, enterRoom, notice, postMessage, seesMessage } from './chat-page.ts'
import { isChromiumMissing, launchChromium } from './chromium.ts'
import { startDev } from './dev-process.ts'
import { servePages } from './page-server.ts'

describe.skipIf(isChromiumMissing)("the room page's connection", () => {
  let browser: Browser
  let pages: Awaited<ReturnType<typeof servePages>>

  beforeAll(async () => {
    browser = await launchChromium()
    pages = await servePages()
  })

  afterAll(async () => {
    await browser?.close()
    await pages?.[Symbol.asyncDispose]()
  })

  /** A room whose server is `serve`: it gets the socket of each try, with the number of the try from 1. */
  async function roomServedBy(serve: (socket: WebSocketRoute, attempt: number) => void): Promise<Page> {
    const page = await browser.newPage()
    // Every wait is longer than any test: only a click on the button, or what is tested, ends one.
    await page.addInitScript('Math.random = () => 1000')
    let attempts = 0
    await page.routeWebSocket(/\/ws\/chat\//, (socket) => {
      attempts += 1
      serve(socket, attempts)
    })
    await page.goto(`${pages.url}/chat/lobby/`)
    return page
  }

  test('a server that goes away and comes back: the page says so, reconnects and goes on', async () => {
    await using windows = await browser.newContext()
    const page = await windows.newPage()
    let port = ''
    {
      await using first = await startDev()
      port = first.port
      await enterRoom(page, first.url, 'reconnecting')
      await postMessage(page, 'before')
      await seesMessage(page, 'before')
    }

    await notice(page, /connection was lost/)
    expect(await page.locator('#connection').innerText()).toMatch(/Connection lost|Connecting/)
    await postMessage(page, 'typed meanwhile')
    await notice(page, /as soon as there is a connection/)
    await using second = await startDev(['--port', port])
    expect(second.port).toBe(port)

    await seesMessage(page, 'typed meanwhile')
    await postMessage(page, 'after')
    await seesMessage(page, 'after')
    expect(await chatLog(page)).toBe('before\ntyped meanwhile\nafter\n')
    expect(await page.locator('#notice').isVisible()).toBe(false)
  })

  test('a text that may not have got through is put back', async () => {
    await using page = await roomServedBy((socket, attempt) => {
      if (attempt === 1) socket.onMessage(() => void socket.close({ code: 1001 }))
    })
    await connected(page)

    await postMessage(page, 'perhaps lost')

    await notice(page, /may not have got through: “perhaps lost”/)
    expect(await page.locator('#chat-message-input').inputValue()).toBe('perhaps lost')
    await page.locator('#reconnect').click()
    await connected(page)
    expect(await page.locator('#notice-text').innerText()).toBe(
      'It may not have got through: “perhaps lost”.',
    )
    await page.keyboard.press('Enter')
    await page.locator('#notice').waitFor({ state: 'hidden' })
  })

  test('a text that is edited while it waits does not go out half finished', async () => {
    const received: string[] = []
    await using page = await roomServedBy((socket, attempt) => {
      if (attempt === 1) void socket.close({ code: 1001 })
      socket.onMessage((text) => received.push(String(text)))
    })
    await page.locator('body[data-connection=waiting]').waitFor()
    await postMessage(page, 'waiting')

    await page.locator('#chat-message-input').fill('waiting no more')
    await page.locator('#reconnect').click()
    await connected(page)

    expect(await page.locator('#chat-message-input').inputValue()).toBe('waiting no more')
    expect(received).toEqual([])
  })

  test("the reason in the server's close envelope is shown", async () => {
    await using page = await roomServedBy((socket, attempt) => {
      if (attempt > 1) return
      socket.send('{"type":"websocket.close","code":4001,"reason":"the room is closed for the night"}')
      void socket.close({ code: 1000 })
    })

    await notice(page, /The server closed the connection: the room is closed for the night \(code 4001\)/)

    await page.locator('#reconnect').click()
    await connected(page)
    await notice(page, /the room is closed for the night/)
    expect(await chatLog(page)).toBe('')
  })

  test("API Gateway's own error frame is not taken for a message", async () => {
    await using page = await roomServedBy((socket) => {
      socket.send(
        '{"message":"Internal server error","connectionId":"Llf4ceE2NjMCF7w=","requestId":"Llf7PFSNNjMFZeA="}',
      )
    })

    await notice(page, /could not handle a message: Internal server error/)

    expect(await chatLog(page)).toBe('')
  })

  test('what the consumer has against a message is shown', async () => {
    await using page = await roomServedBy((socket) => socket.send('{"error":"\\"message\\" is no string"}'))

    await notice(page, /did not take a message: "message" is no string/)

    expect(await chatLog(page)).toBe('')
  })

  test('a frame that is no chat message is reported and does no harm', async () => {
    await using page = await roomServedBy((socket) => {
      for (const frame of ['not JSON', 'null', '[]', '{}']) socket.send(frame)
      socket.send('{"message":{"nested":1}}')
    })

    await seesMessage(page, '{"nested":1}')
    await notice(page, /not a chat message/)

    expect(await chatLog(page)).toBe('{"nested":1}\n')
  })

  test('a message that API Gateway would cut the connection for is not sent', async () => {
    const received: unknown[] = []
    await using page = await roomServedBy((socket) => socket.onMessage((text) => received.push(text)))
    await connected(page)
    const message = 'ä'.repeat(16_400)

    await postMessage(page, message)

    expect(await notice(page, /Not sent/)).toContain('takes 32814 bytes, and 32768 is the most')
    expect(await page.locator('#chat-message-input').inputValue()).toBe(message)
    expect(received).toEqual([])
  })

  test('coming back online, looking at the page again, and the button, each end a wait at once', async () => {
    const attempts: number[] = []
    await using page = await roomServedBy((socket, attempt) => {
      attempts.push(attempt)
      void socket.close({ code: 1001 })
    })
    await page.locator('body[data-connection=waiting]').waitFor()
    await page.locator('#connection-countdown', { hasText: /in \d{3,} s/ }).waitFor()
    const before = attempts.length

    const events = [
      "dispatchEvent(new Event('online'))",
      "dispatchEvent(new Event('focus'))",
      "document.dispatchEvent(new Event('visibilitychange'))",
      "document.querySelector('#reconnect').click()",
    ]
    for (const [index, event] of events.entries()) {
      await page.locator('body[data-connection=waiting]').waitFor()
      await page.evaluate(event)
      await expect.poll(() => attempts.length).toBe(before + index + 1)
    }
  })

  test('a page that is told another address connects there, with the path in the query', async () => {
    await using page = await browser.newPage()
    const addresses: string[] = []
    await page.routeWebSocket(/api\.example\.com/, (socket) => void addresses.push(socket.url()))
    await using elsewhere = await servePages({ websocketUrl: 'wss://api.example.com/prod' })

    await page.goto(`${elsewhere.url}/chat/a%20b/`)
    await connected(page)

    expect(addresses).toEqual(['wss://api.example.com/prod?path=%2Fws%2Fchat%2Fa+b%2F'])
  })

  test('below a prefix, as at an emulator, pages find their files, their rooms and each other', async () => {
    await using page = await browser.newPage()
    const [addresses, failures] = [[] as string[], [] as string[]]
    await page.routeWebSocket(/api\.example\.com/, (socket) => void addresses.push(socket.url()))
    page.on('response', (response) => void (response.status() >= 400 && failures.push(response.url())))
    const websocketUrl = 'wss://api.example.com/prod'
    await using below = await servePages({ websocketUrl }, '/_aws/execute-api/abc')

    await enterRoom(page, `${below.url}/`, 'lobby')
    expect(await page.locator('#room-name').innerText()).toBe('lobby')
    await page.goto(`${below.url}/chat/slashless`)
    await connected(page)
    expect(page.url()).toBe(`${below.url}/chat/slashless/`)
    await page.locator('.back').click()
    await page.waitForURL(`${below.url}/`)
    expect(failures).toEqual([])
    await page.goto(`${below.url}/no/such/page/`)
    await page.locator('.button').click()
    await page.waitForURL(`${below.url}/`)

    expect(failures).toEqual([`${below.url}/no/such/page/`])
    expect(addresses).toEqual([
      'wss://api.example.com/prod?path=%2Fws%2Fchat%2Flobby%2F',
      'wss://api.example.com/prod?path=%2Fws%2Fchat%2Fslashless%2F',
    ])
  })

  test("below a prefix without another address, the sockets are on the page's origin and below the prefix", async () => {
    await using page = await browser.newPage()
    const addresses: string[] = []
    await page.routeWebSocket(/\/ws\/chat\//, (socket) => void addresses.push(socket.url()))
    await using below = await servePages({}, '/some/prefix')

    await page.goto(`${below.url}/chat/a%20b/?x=1`)
    await connected(page)

    expect(addresses).toEqual([`${below.url.replace('http:', 'ws:')}/ws/chat/a%20b/`])
  })
})
