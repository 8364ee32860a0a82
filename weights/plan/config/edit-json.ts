/** A value to be put into a JSON object: the keys that lead to it, and what it becomes. */
export interface JsonEdit {
  readonly path: readonly string[];
  readonly value: unknown;
}

/** Where a value stands in a text. */
interface Span {
  readonly start: number;
  readonly end: number;
}

/**
 * A JSON text with some values replaced, every other byte as it was: key order, number spelling (`0.0` stays a float for
 * Python) and layout survive. A last key that is missing is added to the end of its object; objects on the way must exist,
 * otherwise the edit is dropped. `text` must already have been accepted by JSON.parse as an object; of a key that occurs
 * twice, the last one counts, as it does for JSON.parse.
 */
export function editJson(text: string, edits: readonly JsonEdit[]): string {
  let edited = text;
  for (const { path, value } of edits) edited = putValue(edited, path, value);
  return edited;
}

function putValue(text: string, path: readonly string[], value: unknown): string {
  let object = skipSpace(text, 0);
  for (const [depth, key] of path.entries()) {
    const isLast = depth === path.length - 1;
    const found = findMember(text, object, key);
    if (found.span === null) return isLast ? insertMember(text, found.last, object, key, value) : text;
    if (isLast) {
      const { start, end } = found.span;
      return `${text.slice(0, start)}${print(value, indentAt(text, start))}${text.slice(end)}`;
    }
    if (text[found.span.start] !== '{') return text;
    object = found.span.start;
  }
  return text;
}

/** Looks a key up in the object that begins at `object`; `last` is the end of its last value, or null in `{}`. */
function findMember(
  text: string,
  object: number,
  key: string,
): { readonly span: Span | null; readonly last: number | null } {
  let span: Span | null = null;
  let last: number | null = null;
  let at = skipSpace(text, object + 1);
  while (text[at] !== '}') {
    const keyEnd = skipString(text, at);
    const start = skipSpace(text, skipSpace(text, keyEnd) + 1);
    const end = skipValue(text, start);
    if (JSON.parse(text.slice(at, keyEnd)) === key) span = { start, end };
    last = end;
    at = skipSpace(text, end);
    if (text[at] === ',') at = skipSpace(text, at + 1);
  }
  return { span, last };
}

function insertMember(text: string, last: number | null, object: number, key: string, value: unknown): string {
  const at = last ?? object + 1;
  const isSpread = text.slice(object, at).includes('\n');
  const indent = last === null ? '' : indentAt(text, skipSpace(text, object + 1));
  const gap = last === null ? '' : isSpread ? `,\n${indent}` : ', ';
  return `${text.slice(0, at)}${gap}${JSON.stringify(key)}: ${print(value, indent)}${text.slice(at)}`;
}

function print(value: unknown, indent: string): string {
  return JSON.stringify(value, null, 2).replaceAll('\n', `\n${indent}`);
}

/** The spaces that the line of a position begins with. */
function indentAt(text: string, at: number): string {
  const line = text.slice(text.lastIndexOf('\n', at) + 1, at);
  return /^[ \t]*/.exec(line)?.[0] ?? '';
}

function skipSpace(text: string, from: number): number {
  let at = from;
  while (text[at] === ' ' || text[at] === '\n' || text[at] === '\r' || text[at] === '\t') at++;
  return at;
}

/** The place after the string that begins at `from`. */
function skipString(text: string, from: number): number {
  let at = from + 1;
  while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at + 1;
}

/** The place after the value that begins at `from`. */
function skipValue(text: string, from: number): number {
  let depth = 0;
  for (let at = from; ; at++) {
    const char = text[at];
    if (char === '"') at = skipString(text, at) - 1;
    else if (char === '{' || char === '[') depth++;
    else if (char === '}' || char === ']') depth--;
    else if (depth > 0 || !isEndOfScalar(text[at + 1])) continue;
    if (depth === 0) return at + 1;
  }
}

function isEndOfScalar(next: string | undefined): boolean {
  return next === undefined || ',}] \n\r\t'.includes(next);
}
