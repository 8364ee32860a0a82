/**
 * How a field is read. `number`: a whole number; `version`: numbers with dots, compared part by part, so 3.10 comes after
 * 3.9; `count`: a number with a unit, so 500M comes before 1B.
 */
export type FieldType = 'number' | 'version' | 'count';

/** A piece of a pattern, in reading order. */
export type PatternPart =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'any' }
  | { readonly kind: 'field'; readonly name: string; readonly type: FieldType }
  | { readonly kind: 'optional'; readonly parts: readonly PatternPart[] };

export type ParsedPattern =
  | { readonly parts: readonly PatternPart[]; readonly problem: null }
  | { readonly parts: null; readonly problem: string };

/** More would make a name of a few hundred letters take seconds to compare. */
const MAX_WILDCARDS = 4;
const TOKEN = /\\.|\{[^}]*\}?|[[\]]|\*+|…+|[^\\{[\]*…]+|\\/gu;
const FIELD = /^\{([A-Za-z][A-Za-z0-9]*)(?::(number|version|count))?\}$/;

/**
 * Reads a pattern of release names: `{field}`, `{field:version}` and `{field:count}` are read from the name, `[…]` is an
 * optional part, `*` (or `…`) is any text, a backslash takes the next letter as it is, and all else is text.
 * The problem, if there is one, is the end of a sentence about the pattern.
 */
export function parsePattern(pattern: string): ParsedPattern {
  const outer: PatternPart[] = [];
  let inner: PatternPart[] | null = null;
  for (const [token] of pattern.matchAll(TOKEN)) {
    const parts: PatternPart[] = inner ?? outer;
    if (token === '[') {
      if (inner !== null) return wrong('has an optional part within another; end the first with `]` before it');
      inner = [];
    } else if (token === ']') {
      if (inner === null) return wrong('has a `]` without `[`; write `\\]` where it is part of names');
      outer.push({ kind: 'optional', parts: inner });
      inner = null;
    } else {
      const part = toPart(token);
      if (typeof part === 'string') return wrong(part);
      parts.push(part);
    }
  }
  if (inner !== null) return wrong('has a `[` without `]`; write `\\[` where it is part of names');
  const problem = problemOf(outer);
  return problem === null ? { parts: outer, problem } : wrong(problem);
}

/** Fields of a parsed pattern, in reading order, those of optional parts included. */
export function fieldsOf(
  parts: readonly PatternPart[],
): readonly { readonly name: string; readonly type: FieldType }[] {
  return parts.flatMap((part) => {
    if (part.kind === 'field') return [part];
    return part.kind === 'optional' ? fieldsOf(part.parts) : [];
  });
}

function toPart(token: string): PatternPart | string {
  if (token.startsWith('*') || token.startsWith('…')) return { kind: 'any' };
  if (token === '\\') return 'ends with a backslash; write two where one is part of names';
  if (token.startsWith('\\')) return { kind: 'text', text: token.slice(1) };
  if (!token.startsWith('{')) return { kind: 'text', text: token };
  const [, name, type = 'number'] = FIELD.exec(token) ?? [];
  if (name === undefined || !isFieldType(type))
    return `has \`${token}\`; a field is {name}, {name:version} or {name:count}`;
  return { kind: 'field', name, type };
}

function isFieldType(type: string): type is FieldType {
  return type === 'number' || type === 'version' || type === 'count';
}

function problemOf(parts: readonly PatternPart[]): string | null {
  const names = fieldsOf(parts).map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (names.length === 0) return 'has no field; name at least one in braces, e.g. M{release} or step{step}';
  if (twice !== undefined) return `names the field \`${twice}\` twice; give each a name of its own`;
  const flat = parts.flatMap((part) => (part.kind === 'optional' ? part.parts : [part]));
  if (flat.filter(({ kind }) => kind === 'any').length > MAX_WILDCARDS)
    return `has more than ${String(MAX_WILDCARDS)} times any text; write more of the name`;
  const touching = flat.find(({ kind }, index) => kind === 'field' && flat[index + 1]?.kind === 'field');
  if (touching?.kind === 'field') return `has nothing between \`${touching.name}\` and the field after it`;
  return null;
}

function wrong(problem: string): ParsedPattern {
  return { parts: null, problem };
}
