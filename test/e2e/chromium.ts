import { accessSync } from 'node:fs'
import { type Browser, chromium } from 'playwright-core'

const CHROMIUM = '/usr/bin/chromium'

/** Whether browser tests are to be skipped: there is no browser. In CI they run, and fail, all the same. */
export const isChromiumMissing: boolean = !process.env['CI'] && !isInstalled()

/** A headless Chromium with an empty profile. */
export function launchChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: CHROMIUM,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
}

function isInstalled(): boolean {
  try {
    accessSync(CHROMIUM)
    return true
  } catch {
    return false
  }
}
