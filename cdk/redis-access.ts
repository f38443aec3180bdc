/**
 * What the ElastiCache user of the functions may: the commands of the stores, on keys of the prefix alone.
 *
 * Rights are given by kinds of data, not command by command, for a new version of the library may use another command
 * of the same kind while containers of the old one still run. What is dangerous (`FLUSHALL`, `KEYS`, `CONFIG`) is none
 * of theirs. Publishing, other kinds of data and administration are not given at all.
 */
export function redisAccessString(prefix: string): string {
  const kinds = ['hash', 'sortedset', 'list', 'string', 'keyspace', 'scripting', 'connection']
  const rights = ['-@all', ...kinds.map((kind) => `+@${kind}`), '-@dangerous', '+cluster|slots']
  return ['on', `~${prefix}:*`, 'resetchannels', ...rights].join(' ')
}
