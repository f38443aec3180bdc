import { describe, expect, test } from 'vitest'
import { parseDevOptions } from '../../../local/dev-options.ts'

describe('the options of the dev command', () => {
  test('without arguments: port 8000 of this machine only, on DynamoDB', () => {
    expect(parseDevOptions([])).toEqual({
      port: 8000,
      host: '127.0.0.1',
      layer: 'dynamodb',
      redisUrl: 'redis://127.0.0.1:6379',
      ordering: 'parallel',
      quiet: false,
    })
  })

  test('are read from flags, in both spellings', () => {
    const args = [
      '--port',
      '0',
      '--host=::1',
      '--layer',
      'redis',
      '--redis-url=rediss://cache/1',
      '--ordering',
      'serial',
      '--quiet',
    ]

    expect(parseDevOptions(args)).toEqual({
      port: 0,
      host: '::1',
      layer: 'redis',
      redisUrl: 'rediss://cache/1',
      ordering: 'serial',
      quiet: true,
    })
  })

  test('--help wins over everything else that is well formed', () => {
    expect(parseDevOptions(['--help'])).toBe('help')
    expect(parseDevOptions(['--port', 'nonsense', '-h'])).toBe('help')
  })

  test.each([
    [['--prot', '8000'], /--prot.*--help lists/],
    [['8000'], /8000': options go after --, as in npm run dev -- --port 8301; --help lists them$/],
    [['--port'], /--port.*--help lists/],
    [['--quiet=yes'], /--quiet.*--help lists/],
    [['--ordering', 'fifo'], /--ordering is "fifo": use parallel or serial/],
    [['--port', 'http'], /--port is "http": use a number from 0 to 65535/],
    [['--port', '65536'], /--port is "65536"/],
    [['--port', ''], /--port is ""/],
    [['--port=-1'], /--port is "-1"/],
    [['--port', '0x1f40'], /--port is "0x1f40"/],
    [['--host', ''], /--host is "": use a host name/],
    [['--host', 'http://localhost'], /--host is "http:\/\/localhost"/],
    [['--layer', 'valkey'], /--layer is "valkey": use dynamodb, redis or memory/],
    [['--redis-url', 'redis://cache'], /--redis-url without --layer redis: .* add --layer redis/],
    [['--layer=redis', '--redis-url', 'cache:6379'], /--redis-url is no URL of a redis server: use one such/],
    [['--layer=redis', '--redis-url', 'redis://u:p@h:port'], /--redis-url is no URL of a redis server/],
    [['--layer', 'constructor'], /--layer is "constructor"/],
  ])('%j is refused in one sentence', (args, problem) => {
    const parse = () => parseDevOptions(args)

    expect(parse).toThrow(problem)
    expect(parse).toThrow(/^[^\n]+$/)
  })
})
