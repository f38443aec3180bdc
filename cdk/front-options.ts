import { Token } from 'aws-cdk-lib'
import type { PriceClass } from 'aws-cdk-lib/aws-cloudfront'
import type { IBucket } from 'aws-cdk-lib/aws-s3'
import { ConfigurationError } from '../shared/errors.ts'

/** How a CloudFront front is made. */
export interface FrontOptions {
  /**
   * The paths of sockets, as path patterns of CloudFront: `*` is anything, `?` one character. All others are the HTTP
   * side's.
   *
   * @default ['/ws/*'] - if there is an HTTP side; else every path is a socket's
   */
  readonly socketPaths?: readonly string[]
  /**
   * Paths of the HTTP side whose responses CloudFront keeps as long as their `Cache-Control` says, and compresses. Views
   * get neither cookies nor `Authorization` there, because what they answer is for everybody.
   *
   * @default - none: every request reaches a view
   */
  readonly cachedPaths?: readonly string[]
  /**
   * The ARN of a web ACL of AWS WAF, with scope CLOUDFRONT.
   *
   * @default - none
   */
  readonly webAclId?: string
  /**
   * A bucket for access logs, with ACLs enabled (`ObjectOwnership.OBJECT_WRITER`). They hold each URL with its query, and
   * so the tokens and tickets of handshakes.
   *
   * @default - none: the stages of both APIs write access logs without queries
   */
  readonly logBucket?: IBucket
  /**
   * Which of CloudFront's locations serve.
   *
   * @default PriceClass.PRICE_CLASS_ALL
   */
  readonly priceClass?: PriceClass
}

/** Where sockets are if nothing is said, as in Channels. */
export const SOCKET_PATHS: readonly string[] = ['/ws/*']

/** @throws {@link ConfigurationError} for a path that is no pattern, that is named twice or leads nowhere, or another ARN */
export function requireFrontOptions(
  { socketPaths, cachedPaths, webAclId }: FrontOptions,
  { hasHttp }: { readonly hasHttp: boolean },
): void {
  requirePatterns('socketPaths', socketPaths)
  requirePatterns('cachedPaths', cachedPaths)
  if (!hasHttp) {
    requireNone('socketPaths', socketPaths)
    requireNone('cachedPaths', cachedPaths)
  }
  if (socketPaths?.length === 0) {
    throw new ConfigurationError(
      'front.socketPaths is empty: name a path that sockets are at, such as "/ws/*", or leave it out',
    )
  }
  requireSeparate(socketPaths, cachedPaths)
  if (webAclId === undefined || Token.isUnresolved(webAclId)) return
  if (/^arn:[^:]+:wafv2:us-east-1:\d{12}:global\/webacl\//.test(webAclId)) return
  throw new ConfigurationError(
    `front.webAclId is "${webAclId}": use the ARN of a web ACL with scope CLOUDFRONT, arn:aws:wafv2:us-east-1:…:global/webacl/…`,
  )
}

/** Of 255 characters at most, of those that CloudFront has in patterns. */
function requirePatterns(option: string, patterns: readonly string[] = []): void {
  for (const pattern of patterns) {
    if (/^\/[\w\-.*$/~"'@:+&?]{0,254}$/.test(pattern)) continue
    throw new ConfigurationError(
      `front.${option} has ${JSON.stringify(pattern)}: begin with "/", and use letters, digits and _-.*$/~"'@:+&?, at most 255`,
    )
  }
  const twice = patterns.find((pattern, index) => patterns.indexOf(pattern) !== index)
  if (twice === undefined) return
  throw new ConfigurationError(`front.${option} has "${twice}" twice: name each path once`)
}

/** And one behavior for all others: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html */
const MOST_PATHS = 74

function requireSeparate(
  socketPaths: readonly string[] = SOCKET_PATHS,
  cachedPaths: readonly string[] = [],
): void {
  const both = cachedPaths.find((path) => socketPaths.includes(path))
  if (both !== undefined) {
    throw new ConfigurationError(
      `front.cachedPaths and front.socketPaths both have "${both}": a path is one or the other`,
    )
  }
  const paths = socketPaths.length + cachedPaths.length
  if (paths <= MOST_PATHS) return
  throw new ConfigurationError(
    `front.socketPaths and front.cachedPaths are ${paths} together: CloudFront takes ${MOST_PATHS} at most, and all others as one; put several into one with "*", such as "/static/*"`,
  )
}

function requireNone(option: string, patterns: readonly string[] | undefined): void {
  if (patterns === undefined) return
  throw new ConfigurationError(
    `front.${option} is ${JSON.stringify(patterns)}, and there is no HTTP side: without one every path is a socket's, so leave it out`,
  )
}
