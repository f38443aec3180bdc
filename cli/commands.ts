import type { Command } from './command.ts'
import { close } from './commands/close.ts'
import { connections } from './commands/connections.ts'
import { groupList } from './commands/group-list.ts'
import { groupSend, groupSendFrame } from './commands/group-send.ts'
import { groups } from './commands/groups.ts'
import { send } from './commands/send.ts'

/** All commands, in the order of the help. */
export const commands: readonly Command[] = [
  groupSend,
  groupSendFrame,
  send,
  close,
  groupList,
  groups,
  connections,
]
