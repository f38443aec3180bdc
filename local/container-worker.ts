import { fileURLToPath } from 'node:url'
import { parentPort, workerData } from 'node:worker_threads'
import type { ContainerInvocation, ContainerReport, ContainerStart } from './container-protocol.ts'
import { errorResult, lambdaContext, type LambdaContext } from './lambda-function.ts'
import { loadFailure } from './load-failure.ts'

type Handler = (event: unknown, context: LambdaContext) => unknown

const start = workerData as ContainerStart

function report(message: ContainerReport): void {
  parentPort?.postMessage(message)
}

async function load(): Promise<Handler | undefined> {
  const file = start.entry.startsWith('file:') ? fileURLToPath(start.entry) : start.entry
  let module: Record<string, unknown>
  try {
    module = (await import(start.entry)) as Record<string, unknown>
  } catch (error) {
    const trace = error instanceof Error ? (error.stack ?? '').split('\n') : []
    const message = loadFailure(file, error)
    report({ kind: 'not-loaded', errorType: 'Runtime.ImportModuleError', message, trace })
    return undefined
  }
  const handler = module[start.handler]
  if (typeof handler === 'function') return handler as Handler
  const exported = Object.keys(module).join(', ') || 'nothing'
  report({
    kind: 'not-loaded',
    errorType: 'Runtime.HandlerNotFound',
    message: `${file} exports no function "${start.handler}" but ${exported}: export an async function of that name`,
    trace: [],
  })
  return undefined
}

async function run(handler: Handler, invocation: ContainerInvocation): Promise<void> {
  const context = lambdaContext({
    awsRequestId: invocation.awsRequestId,
    functionName: start.functionName,
    memoryMB: start.memoryMB,
    logStreamName: start.logStreamName,
    remainingMs: () => Math.max(0, invocation.deadline - Date.now()),
  })
  try {
    const value = await handler(JSON.parse(invocation.event), context)
    report({ kind: 'ok', value: JSON.stringify(value) })
  } catch (error) {
    const failure = errorResult(error)
    if (failure.kind === 'error') report(failure)
  }
}

const handler = await load()
if (handler !== undefined) {
  parentPort?.on('message', (invocation: ContainerInvocation) => void run(handler, invocation))
  report({ kind: 'loaded' })
}
