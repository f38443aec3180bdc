/** What a container is started with. */
export interface ContainerStart {
  /** URL of the module. */
  readonly entry: string
  /** Name of the exported handler. */
  readonly handler: string
  readonly functionName: string
  readonly memoryMB: number
  readonly logStreamName: string
}

/** One invocation, to the container. JSON text, as on the wire; a structured clone was measured to cost the same. */
export interface ContainerInvocation {
  readonly event: string
  readonly awsRequestId: string
  /** Milliseconds since the epoch. */
  readonly deadline: number
}

/** What a container says. */
export type ContainerReport =
  | { readonly kind: 'loaded' }
  | {
      readonly kind: 'not-loaded'
      readonly errorType: string
      readonly message: string
      readonly trace: readonly string[]
    }
  | { readonly kind: 'ok'; readonly value: string | undefined }
  | {
      readonly kind: 'error'
      readonly errorType: string
      readonly message: string
      readonly trace: readonly string[]
    }
