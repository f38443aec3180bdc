import type { Application, Scope } from '../../shared/application.ts'
import { markHandlings } from '../../shared/broadcast.ts'

/** The applications below write here what they were called with. */
export interface Call {
  readonly name: string
  readonly scope: Scope & Readonly<Record<string, unknown>>
  readonly type: string
}

/** Makes applications that record their calls into `calls`, and asks nothing of their scope. */
export class CallRecorder {
  readonly calls: Call[] = []

  application(name: string): Application {
    const application: Application = (scope, message) => {
      this.calls.push({ name, scope: { ...scope }, type: message.type })
      return Promise.resolve()
    }
    // Known as an application, as those of consumers are.
    return markHandlings(application, undefined)
  }

  get names(): readonly string[] {
    return this.calls.map((call) => call.name)
  }

  get last(): Call {
    const call = this.calls.at(-1)
    if (call === undefined) throw new Error('no application was called')
    return call
  }
}

/** Takes frames and forgets them. */
export function ignoreFrames(): Promise<void> {
  return Promise.resolve()
}
