import { describe, expect, it, vi } from 'vitest'
import { AbortRegistry } from '../../../shared/http/abort-registry.ts'

describe('AbortRegistry', () => {
  it('puts one listener on a signal, however many wait', () => {
    const controller = new AbortController()
    const listen = vi.spyOn(controller.signal, 'addEventListener')
    const registry = new AbortRegistry()
    const told: unknown[] = []
    for (let index = 0; index < 100; index += 1)
      registry.watch(controller.signal, { abort: (reason) => told.push(reason) })

    controller.abort('over')

    expect(listen).toHaveBeenCalledTimes(1)
    expect(told).toEqual(Array.from({ length: 100 }, () => 'over'))
  })

  it('does not tell those who stopped watching, and takes its listener back after the last', () => {
    const controller = new AbortController()
    const unlisten = vi.spyOn(controller.signal, 'removeEventListener')
    const registry = new AbortRegistry()
    const waiters = [{ abort: vi.fn() }, { abort: vi.fn() }]
    for (const waiter of waiters) registry.watch(controller.signal, waiter)
    for (const waiter of waiters) registry.unwatch(controller.signal, waiter)
    controller.abort()
    for (const waiter of waiters) expect(waiter.abort).not.toHaveBeenCalled()
    expect(unlisten).toHaveBeenCalledTimes(1)
  })

  it('can watch a signal again', () => {
    const controller = new AbortController()
    const registry = new AbortRegistry()
    const waiter = { abort: vi.fn() }
    registry.watch(controller.signal, waiter)
    registry.unwatch(controller.signal, waiter)
    registry.watch(controller.signal, waiter)
    controller.abort()
    expect(waiter.abort).toHaveBeenCalledTimes(1)
  })
})
