import { chmod, lstat, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'

/** What a dev server tells of itself. */
export interface DevServerNotice {
  readonly pid: number
  /** `http://127.0.0.1:{port}` */
  readonly url: string
  readonly port: number
  /** The environment of its functions. */
  readonly env: Readonly<Record<string, string>>
}

const OWNER_ONLY_FOLDER = 0o700
const OWNER_ONLY_FILE = 0o600

/**
 * Where dev servers of this user leave a notice: a file that nobody else may read, since there may be a password in it.
 * No address serves it, so no page in a browser can ask for it.
 */
export function noticeFolder(): string {
  const { uid, username } = userInfo()
  return join(tmpdir(), `lambda-channels-${uid === -1 ? username : uid}`)
}

/** Leaves a notice of a dev server. Resolves to what takes it away again. */
export async function announceDevServer(notice: DevServerNotice): Promise<() => Promise<void>> {
  const folder = noticeFolder()
  await mkdir(folder, { recursive: true, mode: OWNER_ONLY_FOLDER })
  await requireOwn(folder)
  const file = join(folder, `dev-${notice.port}.json`)
  // A file that is there keeps its mode, so it is never written over.
  await rm(file, { force: true })
  await writeFile(file, JSON.stringify(notice), { mode: OWNER_ONLY_FILE, flag: 'wx' })
  return async () => await rm(file, { force: true })
}

/** The dev servers of this user that run. What one left that was killed is passed over. */
export async function runningDevServers(): Promise<readonly DevServerNotice[]> {
  const folder = noticeFolder()
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  if (names.length === 0) return []
  await requireOwn(folder)
  const files = names.filter((name) => /^dev-\d+\.json$/.test(name))
  const notices = await Promise.all(files.map((name) => readNotice(join(folder, name))))
  return notices
    .flatMap((notice) => (notice !== undefined && isRunning(notice.pid) ? [notice] : []))
    .toSorted((a, b) => a.port - b.port)
}

/** Undefined if it was taken away meanwhile, or is not written to its end yet. */
async function readNotice(file: string): Promise<DevServerNotice | undefined> {
  const text = await readFile(file, 'utf8').catch(() => '')
  try {
    return JSON.parse(text) as DevServerNotice
  } catch {
    return undefined
  }
}

/** Anybody may make a folder where temporary files are: one that is not this user's could lead to another's server. */
async function requireOwn(folder: string): Promise<void> {
  const { uid } = userInfo()
  const found = await lstat(folder)
  if (uid === -1) return
  if (!found.isDirectory() || found.uid !== uid) {
    throw new Error(
      `${folder} is not a folder of yours, so what it says of dev servers is not read: remove it, or set TMPDIR to a folder of your own`,
    )
  }
  if ((found.mode & 0o077) !== 0) await chmod(folder, OWNER_ONLY_FOLDER)
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    // None runs, or another's does: then it is not the one that left the notice.
    return false
  }
}
