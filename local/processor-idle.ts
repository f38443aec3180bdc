import { cpus } from 'node:os'

/** How idle this machine's processors are, from now on. */
export class ProcessorIdle {
  readonly #start = total()

  /** The share of idle time since this was made, 0 to 1; 1 where the system does not tell. */
  share(): number {
    const now = total()
    const all = now.all - this.#start.all
    return all > 0 ? (now.idle - this.#start.idle) / all : 1
  }
}

function total(): { readonly idle: number; readonly all: number } {
  let idle = 0
  let all = 0
  for (const { times } of cpus()) {
    idle += times.idle
    all += times.idle + times.user + times.nice + times.sys + times.irq
  }
  return { idle, all }
}
