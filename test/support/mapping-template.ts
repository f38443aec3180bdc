/** What a mapping template of API Gateway can see. */
export interface TemplateInput {
  /** `$context`, by name. */
  readonly context: Readonly<Record<string, string | number | undefined>>
  /** `$input.body`. */
  readonly body: string | undefined
}

/**
 * Renders a mapping template as far as those of this repository go: `$context.x`, `$input.body`, `$util.urlEncode(…)` and
 * `#if(…)…#end`. As in Velocity, a reference to nothing is rendered as it is written, and `urlEncode` takes text only.
 */
export function renderTemplate(template: string, input: TemplateInput): string {
  const chosen = template.replaceAll(/#if\((\$[\w.]+)\)(.*?)#end/g, (_, reference: string, text: string) =>
    valueOf(reference, input) === undefined ? '' : text,
  )
  const rendered = chosen.replaceAll(
    /\$util\.urlEncode\((?:[^()]|\([^()]*\))*\)|\$(?:context|input)\.\w+/g,
    (found) => String(evaluate(found, input) ?? found),
  )
  if (/#(?:if|end|set|foreach|else)/.test(rendered))
    throw new Error(`what is left of the template is ${rendered}`)
  return rendered
}

function evaluate(expression: string, input: TemplateInput): string | number | undefined {
  const argument = /^\$util\.urlEncode\((.*)\)$/.exec(expression)?.[1]
  if (argument === undefined) return valueOf(expression, input)
  const value = evaluate(argument, input)
  return typeof value === 'string' ? javaUrlEncode(value) : undefined
}

function valueOf(reference: string, { context, body }: TemplateInput): string | number | undefined {
  if (reference === '$input.body') return body
  const name = /^\$context\.(\w+)$/.exec(reference)?.[1]
  if (name === undefined)
    throw new Error(`the template refers to ${reference}, which API Gateway does not have`)
  return context[name]
}

/** As java.net.URLEncoder, by which API Gateway is supposed to do it: a space is `+`, and few signs stay as they are. */
function javaUrlEncode(text: string): string {
  return encodeURIComponent(text)
    .replaceAll('%20', '+')
    .replaceAll(/[!'()~]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)
}
