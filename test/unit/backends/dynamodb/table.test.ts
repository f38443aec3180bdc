import { expect, it } from 'vitest'
import {
  groupPartition,
  memberKey,
  recordKey,
  tableDefinition,
} from '../../../../shared/backends/dynamodb/table.ts'
import { connectionAt, memberPosition, POSITION_PREFIXES } from '../../../../shared/stores/member-position.ts'

it('keeps records and members apart, whatever they are called', () => {
  const name = 'C#G#H#'

  expect(new Set([recordKey(name).pk.S, memberKey(name, 'a').pk.S]).size).toBe(2)
})

it('gives every group a partition of its own, and a short one to long names', () => {
  const names = Array.from({ length: 99 }, (_, index) => 'g'.repeat(index + 1))

  expect(new Set(names.map((name) => groupPartition(name))).size).toBe(99)
  expect(Math.max(...names.map((name) => groupPartition(name).length))).toBe(58)
})

it('spreads positions evenly, so that a range of them tells how many members it has', () => {
  const counts = new Map<string, number>()
  for (let index = 0; index < 16_000; index += 1) {
    const sixteenth = memberPosition(`L0SM9c${index}=`).slice(0, 1)
    counts.set(sixteenth, (counts.get(sixteenth) ?? 0) + 1)
  }

  expect(counts.size).toBe(16)
  expect(Math.min(...counts.values())).toBeGreaterThan(850)
  expect(Math.max(...counts.values())).toBeLessThan(1_150)
  expect(POSITION_PREFIXES).toBe(65_536)
})

it('has the connection id in a position', () => {
  expect(connectionAt(memberPosition('a#b='))).toBe('a#b=')
})

it('describes a table that is billed per request and needs no index', () => {
  expect(tableDefinition('channels')).toMatchInlineSnapshot(`
    {
      "AttributeDefinitions": [
        {
          "AttributeName": "pk",
          "AttributeType": "S",
        },
        {
          "AttributeName": "sk",
          "AttributeType": "S",
        },
      ],
      "BillingMode": "PAY_PER_REQUEST",
      "KeySchema": [
        {
          "AttributeName": "pk",
          "KeyType": "HASH",
        },
        {
          "AttributeName": "sk",
          "KeyType": "RANGE",
        },
      ],
      "TableName": "channels",
    }
  `)
})
