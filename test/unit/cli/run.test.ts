import { expect, test } from 'vitest'
import { commands } from '../../../cli/commands.ts'
import { runCli } from '../../support/cli.ts'

const say = '{"type":"chat.message","message":"hi"}'

test('--help lists every command and goes to the output; no command at all is a mistake', async () => {
  const help = await runCli(['--help'])

  expect(help).toMatchObject({ code: 0, problems: '' })
  for (const { name, summary } of commands) expect(help.out).toMatch(new RegExp(`${name} .*${summary}`))
  expect(await runCli([])).toEqual({ code: 2, out: '', problems: help.out })
})

test.each(commands.map((command) => [command.name, command] as const))(
  '%s --help says how to call it, and needs nothing else',
  async (name, { options }) => {
    const help = await runCli([name, '--help'])

    expect(help).toMatchObject({ code: 0, problems: '' })
    expect(help.out).toContain(`Usage: lambda-channels ${name}`)
    for (const option of Object.keys(options)) expect(help.out).toContain(`--${option}`)
  },
)

test.each([
  [['group-sand'], 'there is no command "group-sand": use one of group-send, '],
  [['group-list'], 'group-list was given 0 parameters: use lambda-channels group-list GROUP'],
  [['group-list', 'a', 'b'], 'group-list was given 2 parameters'],
  [['groups', '--verbos'], "Unknown option '--verbos': lambda-channels groups --help lists what there is"],
  [['group-list', 'a', '--limit', '0'], '--limit is "0": use a whole number from 1 to 100000'],
  [['group-list', 'a', '--limit', '1e3'], '--limit is "1e3"'],
  [['group-list', 'room 42'], 'group name "room 42" has " " at 4'],
  [['close', 'a b'], 'channel name "a b"'],
  [['send', 'a=', say, '--delay', '901'], '--delay is "901": use a whole number from 0 to 900'],
  [['group-send', 'room', '{"type":'], 'the message {"type": is no JSON ('],
  [['group-send', 'room', '{a}'], 'at position 1'],
  [['group-send', 'room', '"hi"'], 'the message is "hi": it has to be an object with a "type", as in'],
  [['group-send', 'room', '{"message":"hi"}'], 'an object with a "type"'],
])('%j is wrong: exit code 2, one sentence that says what to do', async (args, sentence) => {
  const { code, out, problems } = await runCli(args)

  expect({ code, out }).toEqual({ code: 2, out: '' })
  expect(problems).toContain(sentence)
  expect(problems.split('\n')).toHaveLength(2)
})
