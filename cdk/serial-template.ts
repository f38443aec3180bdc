import {
  endingFields,
  serialFieldNames,
  serialFields,
  type SerialField,
  TEXT_FIELD,
} from '../shared/serial-body.ts'

/**
 * The mapping template by which API Gateway makes an event a call of SendMessage: a form, one of whose values is the form
 * of `shared/serial-body.ts`. What is in the inner one is thus encoded twice, and can be any text.
 *
 * It is one line, because a line break would become part of the request. What an event does not have, such as the close code
 * of a frame, is asked for by `#if`: a reference to nothing would be rendered as its own name.
 */
export function sendMessageTemplate(): string {
  const fields = serialFieldNames.map((name) => innerField(name, valueOf(name)))
  const call = {
    Action: 'SendMessage',
    MessageGroupId: '$util.urlEncode($context.connectionId)',
    // Of each event its own, so that nothing is taken for a repetition but a repeated call of API Gateway's.
    MessageDeduplicationId: '$util.urlEncode($context.requestId)',
    MessageBody: [...fields, innerField(TEXT_FIELD, ifAny('$input.body', twice('$input.body')))].join('%26'),
  }
  return Object.entries(call)
    .map(([name, value]) => `${name}=${value}`)
    .join('&')
}

/** One field of the inner form. */
function innerField(name: string, value: string): string {
  return `${name}%3D${value}`
}

function valueOf(name: SerialField): string {
  const reference = `$context.${name}`
  // Digits need no encoding, and urlEncode takes nothing but text.
  const value = serialFields[name] === 'number' ? reference : twice(reference)
  return endingFields.has(name) ? ifAny(reference, value) : value
}

function twice(reference: string): string {
  return `$util.urlEncode($util.urlEncode(${reference}))`
}

function ifAny(reference: string, value: string): string {
  return `#if(${reference})${value}#end`
}
