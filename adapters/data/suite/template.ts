/** A text with places for a sample's fields. */
export type Template = readonly (string | { readonly field: string })[];

/**
 * Reads `Question: {question}`: each {field} is a place, `{a.b}` is field b of field a, `{{` and `}}` are braces.
 *
 * @throws Error that says which brace is wrong
 */
export function parseTemplate(text: string): Template {
  return [...text.matchAll(/\{\{|\}\}|\{([\w-]+(?:\.[\w-]+)*)\}|[{}]|[^{}]+/g)].map(([part, field]) => {
    if (field !== undefined) return { field };
    if (part === '{{' || part === '}}') return part[0] ?? '';
    if (part !== '{' && part !== '}') return part;
    throw new Error(
      `\`${part}\` stands alone in \`${text}\`, expected a {field}; write ${part}${part} for the brace itself`,
    );
  });
}

/** Fills a template in. @throws Error that names a field the sample lacks, or one that is no text, number or boolean */
export function renderTemplate(template: Template, fields: Readonly<Record<string, unknown>>): string {
  return template.map((part) => (typeof part === 'string' ? part : textOf(part.field, fields))).join('');
}

/** A field of a sample by name, or by a path of names; undefined when there is none. */
export function fieldOf(fields: unknown, name: string): unknown {
  return name
    .split('.')
    .reduce<unknown>(
      (value, key) =>
        typeof value === 'object' && value !== null ? new Map(Object.entries(value)).get(key) : undefined,
      fields,
    );
}

function textOf(name: string, fields: Readonly<Record<string, unknown>>): string {
  const value = fieldOf(fields, name);
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  const there = Object.keys(fields).join(', ');
  throw new Error(
    value === undefined
      ? `found no field \`${name}\`; it has ${there === '' ? 'none' : there}`
      : `field \`${name}\` is ${value === null ? 'null' : 'a list or an object'}, expected text, a number or true/false`,
  );
}
