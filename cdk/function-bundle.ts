import { cpSync, existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, posix, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { AssetHashType, DockerImage } from 'aws-cdk-lib'
import { Code } from 'aws-cdk-lib/aws-lambda'
import type * as esbuild from 'esbuild'
import { ConfigurationError } from '../shared/errors.ts'

/** What a function is made of. */
export interface FunctionBundleProps {
  /** The module that exports `handler`. */
  readonly entry: string
  /** Files and folders that the code reads beside itself, by their name there: `{ pages: 'examples/chat/pages' }`. */
  readonly assets?: Readonly<Record<string, string>>
}

/** The module of a bundle that Lambda loads; its handler is `index.handler`. */
export const BUNDLE_HANDLER = 'index.handler'

/**
 * How esbuild makes a function: one minified ES module with the SDK inside, and what is imported with `import()` in
 * files of their own, which only who needs them loads. Names of classes and functions are kept, for logs and errors
 * show them.
 */
export function bundleOptions(
  entry: string,
  outdir: string,
): esbuild.BuildOptions & { readonly outdir: string } {
  return {
    entryPoints: { index: entry },
    outdir,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    minify: true,
    keepNames: true,
    // Positions only: the sources are in the repository, and a map that holds them doubles the upload.
    sourcemap: true,
    sourcesContent: false,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    // Of packages that have both, the ES modules: less is left after what nobody uses is dropped.
    mainFields: ['module', 'main'],
    // What is CommonJS calls require, which an ES module lacks.
    banner: { js: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);" },
    external: missingPeers(entry),
    logLevel: 'silent',
  }
}

/** Packages that the library imports only where they are asked for, so that who does not use them need not have them. */
const OPTIONAL_PEERS = ['@aws-sdk/client-dynamodb', 'ioredis', 'jose']

/** Those that the project has not installed: esbuild has nothing to bundle, and an import of them, if ever reached, says so. */
function missingPeers(entry: string): string[] {
  const here = dirname(fileURLToPath(import.meta.url))
  return OPTIONAL_PEERS.filter(
    (name) => ![here, dirname(resolve(entry))].some((from) => isInstalled(name, from)),
  )
}

/** As Node looks for a package: in the `node_modules` of each folder on the way up. */
function isInstalled(name: string, from: string): boolean {
  const above = dirname(from)
  return existsSync(join(from, 'node_modules', name)) || (above !== from && isInstalled(name, above))
}

/**
 * The code of a function, bundled by the esbuild of the project when the stack is synthesized, without Docker.
 *
 * @throws {@link ConfigurationError} if a file is not there, esbuild is not installed, or the module does not compile
 */
export function functionBundle({ entry, assets = {} }: FunctionBundleProps): Code {
  requireFile(entry, 'the module of the function')
  for (const [name, path] of Object.entries(assets)) {
    requireAssetName(name)
    requireFile(path, `the asset "${name}"`)
  }
  return Code.fromAsset(dirname(resolve(entry)), {
    // Of the bundle, not of the sources: what does not change the bundle deploys nothing.
    assetHashType: AssetHashType.OUTPUT,
    bundling: {
      // Never used: bundling is local, or fails.
      image: DockerImage.fromRegistry('local'),
      // Never run either; but CDK takes bundles of one folder for the same unless something here differs.
      command: [resolve(entry), JSON.stringify(assets)],
      local: {
        tryBundle: (outdir) => {
          build(entry, outdir)
          for (const [name, path] of Object.entries(assets)) {
            cpSync(path, join(outdir, name), { recursive: true })
          }
          return true
        },
      },
    },
  })
}

function build(entry: string, outdir: string): void {
  const { buildSync } = requireEsbuild()
  try {
    buildSync(bundleOptions(resolve(entry), outdir))
  } catch (error) {
    throw new ConfigurationError(
      `${entry} could not be bundled: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    )
  }
}

/** Loaded when a stack is bundled, so that a test of a template, and who only lists stacks, needs none. */
function requireEsbuild(): Pick<typeof esbuild, 'buildSync'> {
  const require = createRequire(import.meta.url)
  try {
    return require('esbuild')
  } catch (error) {
    throw new ConfigurationError(
      'the functions are bundled by esbuild, which could not be loaded: install it with "npm install --save-dev esbuild"',
      { cause: error },
    )
  }
}

/** Below the bundle, beside its code. */
function requireAssetName(name: string): void {
  const isBelow = /^[^/\\]/.test(name) && !/^\.\.?(?:\/|$)/.test(posix.normalize(name))
  if (isBelow && !/^index\.mjs(?:\.map)?(?:\/|$)/.test(posix.normalize(name))) return
  throw new ConfigurationError(
    `the asset ${JSON.stringify(name)} ${isBelow ? 'would overwrite the code of the function' : 'would be outside of the function'}: name it as the code reads it, below its own folder, such as "pages"`,
  )
}

function requireFile(path: string, what: string): void {
  if (existsSync(path)) return
  throw new ConfigurationError(
    `${what} is to be at "${resolve(path)}", where there is nothing: paths that are not absolute begin at the folder where cdk runs`,
  )
}
