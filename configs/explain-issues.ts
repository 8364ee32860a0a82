import { z } from 'zod';
import { nearestWord } from './nearest-word.ts';

type Issue = z.core.$ZodIssue;

/** Characters of a wrong value that are shown. */
const SHOWN = 60;

const KINDS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'keys with values',
  record: 'keys with values',
};

/** zod's issues as sentences for the one who wrote the file: where, what was found, what is expected. */
export function explainIssues(issues: readonly Issue[], value: unknown, schema: z.ZodType): readonly string[] {
  const jsonSchema: unknown = z.toJSONSchema(schema, { io: 'input' });
  return issues.flatMap((issue) => {
    const { path } = issue;
    const here = schemaAt(jsonSchema, path);
    if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey([...path, key], keysOf(here)));
    if (issue.code === 'custom') return [`${where(path)}: ${issue.message}`];
    if (issue.code === 'invalid_key') return [`${where(path)} is no valid name: ${issue.issues[0]?.message ?? ''}`];
    const found = path.reduce<unknown>((inner, key) => property(inner, key), value);
    return [`${where(path)} ${whatIs(found)}${whatIsExpected(issue, found, here)}`];
  });
}

/** Names a place; entries of a list are counted from one, as people do. */
function where(path: readonly PropertyKey[]): string {
  if (path.length === 0) return 'the file';
  const entry = path.findLastIndex((key) => typeof key === 'number');
  if (entry === -1) return `\`${path.map(String).join('.')}\``;
  const rest = path.slice(entry + 1);
  const list = `${where(path.slice(0, entry))}, entry ${String(Number(path[entry]) + 1)}`;
  return rest.length === 0 ? list : `${list}: ${where(rest)}`;
}

function unknownKey(path: readonly PropertyKey[], known: readonly string[]): string {
  const near = nearestWord(String(path.at(-1)), known);
  const meant = near === null ? '' : `did you mean \`${near}\`? `;
  return `${where(path)} is an unknown key; ${meant}known here: ${known.join(', ')}`;
}

function whatIs(found: unknown): string {
  if (found === undefined) return 'is missing';
  if (found === null || found === '') return 'is empty';
  if (Array.isArray(found)) return found.length === 0 ? 'is empty' : `is a list of ${String(found.length)}`;
  if (typeof found === 'object') return 'holds keys with values';
  const text = JSON.stringify(found);
  return `is ${typeof found === 'number' ? 'the number ' : ''}${text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text}`;
}

function whatIsExpected(issue: Issue, found: unknown, schema: unknown): string {
  if (issue.code === 'invalid_type') {
    return `, expected ${KINDS[issue.expected] ?? issue.expected}${typeHint(issue.expected, found, schema)}`;
  }
  if (issue.code === 'invalid_value') {
    const values = issue.values.map(String);
    const near = typeof found === 'string' ? nearestWord(found, values) : null;
    return `, expected ${choice(values)}${near === null ? '' : `; did you mean \`${near}\`?`}`;
  }
  if (issue.code === 'too_small') {
    return `, expected ${issue.inclusive === false ? 'more than' : 'at least'} ${amount(issue.minimum, issue.origin)}`;
  }
  if (issue.code === 'too_big') {
    return `, expected ${issue.inclusive === false ? 'less than' : 'at most'} ${amount(issue.maximum, issue.origin)}`;
  }
  return `: ${issue.message}`;
}

/** What a key that is missing is for, or how to write the value so that YAML reads it as it was meant. */
function typeHint(expected: string, found: unknown, schema: unknown): string {
  if (found === undefined) {
    const description = property(schema, 'description');
    return typeof description === 'string' ? `: ${description}` : '';
  }
  const wantsNumber = expected === 'number' || expected === 'int';
  if (wantsNumber && typeof found === 'string' && found.trim() !== '' && Number.isFinite(Number(found))) {
    return `; leave out the quotes: ${found.trim()}`;
  }
  if (expected === 'string' && (typeof found === 'number' || typeof found === 'boolean')) {
    return `; if it is meant as text, write '${String(found)}'`;
  }
  return '';
}

/** A limit in the unit it is meant in. */
function amount(limit: number | bigint, origin: string): string {
  if (origin === 'array') return `${String(limit)} ${Number(limit) === 1 ? 'entry' : 'entries'}`;
  if (origin === 'string') return `${String(limit)} ${Number(limit) === 1 ? 'character' : 'characters'}`;
  return String(limit);
}

function choice(values: readonly string[]): string {
  const last = values.at(-1) ?? '';
  return values.length < 2 ? last : `${values.slice(0, -1).join(', ')} or ${last}`;
}

/** The part of a JSON Schema that is about a path. */
function schemaAt(schema: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (current, key) =>
      typeof key === 'number' ? property(current, 'items') : property(property(current, 'properties'), key),
    schema,
  );
}

function keysOf(schema: unknown): readonly string[] {
  const properties = property(schema, 'properties');
  return typeof properties === 'object' && properties !== null ? Object.keys(properties) : [];
}

function property(value: unknown, key: PropertyKey): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  return Object.entries(value).find(([name]) => name === String(key))?.[1];
}
