/** One import that the layering table does not allow. */
export interface LayeringViolation {
  readonly file: string
  readonly imported: string
  readonly rule: string
}

interface Layer {
  /** Files of this repository that the layer may import, besides its own. */
  readonly imports: readonly RegExp[]
  /** Packages it may name. */
  readonly vendors: readonly RegExp[]
}

const kernel = /^shared\/(?!index\.ts)[^/]+\.ts$/
const stores = /^shared\/stores\//
const http = /^shared\/http\//
const layers = /^shared\/layers\//
const memory = /^shared\/backends\/memory\//
const publicIndexes =
  /^(shared\/index|shared\/(gateway|environment|lambda)\/index|shared\/backends\/(memory|dynamodb|redis|sqs)\/index|shared\/testing\/index|local\/index)\.ts$/
const lambdaTypes = /^aws-lambda$/
const anything = [/./]

/** Who may import whom. The first layer whose pattern fits a file is the file's. `node:` is open to all. */
const table: readonly (readonly [RegExp, Layer])[] = [
  [
    /^shared\/index\.ts$/,
    {
      imports: [
        kernel,
        stores,
        /^shared\/(consumers|routing|middleware|layers|security|sessions|auth)\//,
        memory,
      ],
      vendors: [],
    },
  ],
  [kernel, { imports: [kernel], vendors: [] }],
  [http, { imports: [kernel], vendors: [] }],
  [stores, { imports: [kernel], vendors: [] }],
  [layers, { imports: [kernel, stores, /^shared\/gateway\/poster\.ts$/], vendors: [] }],
  [/^shared\/(consumers|routing|middleware)\//, { imports: [kernel], vendors: [] }],
  [
    /^shared\/security\//,
    {
      imports: [kernel, /^shared\/stores\/rate-store\.ts$/, /^shared\/(consumers|middleware)\//],
      vendors: [],
    },
  ],
  [/^shared\/sessions\//, { imports: [kernel, stores, /^shared\/middleware\//], vendors: [] }],
  [/^shared\/auth\//, { imports: [kernel, stores, /^shared\/(middleware|sessions)\//], vendors: [/^jose$/] }],
  [memory, { imports: [kernel, stores, layers], vendors: [] }],
  [
    /^shared\/backends\/dynamodb\//,
    {
      imports: [kernel, http, stores, layers],
      vendors: [/^@aws-sdk\/client-dynamodb$/, /^@aws-sdk\/util-dynamodb$/],
    },
  ],
  [/^shared\/backends\/redis\//, { imports: [kernel, http, stores], vendors: [/^ioredis$/] }],
  [/^shared\/backends\/sqs\//, { imports: [kernel, stores], vendors: [/^@aws-sdk\/client-sqs$/] }],
  [
    /^shared\/gateway\//,
    {
      imports: [kernel, http, stores, layers],
      vendors: [/^@aws-sdk\/client-apigatewaymanagementapi$/, /^@smithy\//, lambdaTypes],
    },
  ],
  [
    // Files of the gateway, never its index, so that a test loads no SDK.
    /^shared\/testing\//,
    {
      imports: [
        kernel,
        stores,
        layers,
        /^shared\/gateway\/(?!index\.ts)/,
        /^shared\/(middleware|sessions)\//,
        memory,
      ],
      vendors: [lambdaTypes],
    },
  ],
  [
    // A layer made of whatever an environment names: the one place that knows all backends.
    /^shared\/environment\//,
    {
      imports: [kernel, stores, layers, /^shared\/backends\/(memory|dynamodb|redis|sqs)\/index\.ts$/],
      vendors: [],
    },
  ],
  [
    // What a function is made of on Lambda: a runtime from the environment, with the log and the metrics of Powertools.
    /^shared\/lambda\//,
    {
      imports: [kernel, publicIndexes, /^shared\/gateway\//, /^shared\/environment\/layer-environment\.ts$/],
      vendors: [/^@aws-lambda-powertools\/(logger|metrics)$/, lambdaTypes],
    },
  ],
  [
    // The stack of this repository, which is not published, deploys its example.
    /^cdk\/(app|chat-stack)\.ts$/,
    { imports: [/^cdk\//, /^functions\//, publicIndexes], vendors: [/^aws-cdk-lib(\/|$)/, /^constructs$/] },
  ],
  [
    // Infrastructure knows names, limits and the table's keys, and nothing that runs.
    /^cdk\//,
    {
      imports: [
        kernel,
        /^shared\/backends\/dynamodb\/table\.ts$/,
        /^shared\/environment\/layer-environment\.ts$/,
        /^shared\/lambda\/[a-z-]*names\.ts$/,
        // What a function would refuse is refused at synth.
        /^shared\/security\/origin-pattern\.ts$/,
      ],
      vendors: [/^aws-cdk-lib(\/|$)/, /^constructs$/, /^esbuild$/],
    },
  ],
  // It says which queue has taken a message, by the lookup of the layer that sent it.
  [/^cli\//, { imports: [publicIndexes, /^shared\/layers\/worker-queues\.ts$/], vendors: [] }],
  [/^functions\//, { imports: [publicIndexes, /^examples\//], vendors: [lambdaTypes] }],
  [
    // The development server, which is not published, starts what is deployed otherwise.
    /^local\/dev[^/]*\.ts$/,
    {
      imports: [
        kernel,
        stores,
        publicIndexes,
        memory,
        /^(local|functions|examples)\//,
        /^cli\/dev-servers\.ts$/,
        /^shared\/backends\/dynamodb\//,
        /^shared\/lambda\/environment-names\.ts$/,
      ],
      vendors: [/^ws$/, /^dynalite$/, /^esbuild$/, lambdaTypes],
    },
  ],
  [
    // The live server is what `functions/` is: the gateway's handlers, on a runtime of its own.
    /^local\/live-server\.ts$/,
    { imports: [kernel, stores, memory, /^shared\/gateway\/(?!index\.ts)/, /^local\//], vendors: [] },
  ],
  [
    /^local\//,
    {
      imports: [kernel, stores, /^shared\/gateway\/websocket-event\.ts$/],
      vendors: [/^ws$/, /^dynalite$/, lambdaTypes],
    },
  ],
  [/^examples\//, { imports: [publicIndexes], vendors: [/^hono$/] }],
  [/^(test|bench)\//, { imports: anything, vendors: anything }],
]

/** The kernel points downward only: a file imports files of a lower rank. */
const kernelRanks: Readonly<Record<string, number>> = {
  'shared/message.ts': 0,
  'shared/state-changes.ts': 1,
  'shared/errors.ts': 0,
  'shared/signals.ts': 0,
  'shared/limits.ts': 0,
  'shared/clock.ts': 0,
  'shared/logger.ts': 0,
  'shared/broadcast.ts': 1,
  'shared/worker-channels.ts': 0,
  'shared/channel-layer.ts': 1,
  'shared/names.ts': 1,
  'shared/codec.ts': 1,
  'shared/http-message.ts': 1,
  'shared/heartbeat.ts': 0,
  'shared/serial-body.ts': 0,
  'shared/whole-number.ts': 1,
  'shared/application.ts': 2,
}

/** Every import in `files` (text by path) that the table does not allow, and every file it does not know. */
export function findViolations(files: ReadonlyMap<string, string>): readonly LayeringViolation[] {
  return [...files].flatMap(([file, text]) => {
    const layer = layerOf(file)
    if (kernel.test(file) && kernelRanks[file] === undefined) {
      return [{ file, imported: '', rule: 'is in the kernel without a rank: add it to kernelRanks' }]
    }
    if (layer === undefined) return [{ file, imported: '', rule: 'belongs to no layer: add it to the table' }]
    return importsOf(text).flatMap((specifier) => check(file, layer, specifier))
  })
}

/** The specifiers a module imports, types and dynamic imports included. */
export function importsOf(text: string): readonly string[] {
  // Statements start in the first column; an import inside a docstring's example does not.
  const statements = text.matchAll(/^(?:import|export)\s[^'"]*?from\s+['"]([^'"]+)['"]/gm)
  const sideEffects = text.matchAll(/^import\s+['"]([^'"]+)['"]/gm)
  const dynamic = text.matchAll(/^(?!\s*\*|\s*\/\/).*\bimport\(\s*['"]([^'"]+)['"]/gm)
  return [...statements, ...sideEffects, ...dynamic].map((match) => match[1] ?? '')
}

function layerOf(file: string): (Layer & { readonly folder: RegExp }) | undefined {
  const row = table.find(([pattern]) => pattern.test(file))
  return row && { ...row[1], folder: row[0] }
}

function check(
  file: string,
  layer: Layer & { readonly folder: RegExp },
  specifier: string,
): readonly LayeringViolation[] {
  if (specifier.startsWith('node:')) return []
  if (!specifier.startsWith('.')) return checkVendor(file, layer, specifier)
  const imported = resolve(file, specifier)
  const rank = kernelRanks[file]
  if (rank !== undefined) {
    const isBelow = (kernelRanks[imported] ?? Number.POSITIVE_INFINITY) < rank
    return isBelow ? [] : [{ file, imported, rule: 'the kernel imports downward only' }]
  }
  const isAllowed = [layer.folder, ...layer.imports].some((pattern) => pattern.test(imported))
  return isAllowed ? [] : [{ file, imported, rule: 'its layer may not import that one' }]
}

function checkVendor(file: string, layer: Layer, specifier: string): readonly LayeringViolation[] {
  const name = specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
  if (layer.vendors.some((pattern) => pattern.test(name))) return []
  return [{ file, imported: name, rule: 'this package has another home' }]
}

function resolve(file: string, specifier: string): string {
  return new URL(specifier, `file:///${file}`).pathname.slice(1)
}
