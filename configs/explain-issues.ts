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
  return issues
    .flatMap((issue) => withoutUnion(issue, value))
    .flatMap((issue) => {
      const { path } = issue;
      const here = schemaAt(jsonSchema, path);
      if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey([...path, key], keysOf(here)));
      if (issue.code === 'custom') return [`${where(path)}: ${issue.message}`];
      if (issue.code === 'invalid_key') return [`${where(path)} is no valid name: ${issue.issues[0]?.message ?? ''}`];
      const found = path.reduce<unknown>((inner, key) => property(inner, key), value);
      return [`${where(path)} ${whatIs(found)}${whatIsExpected(issue, found, here)}`];
    });
}

/** What is wrong with the alternative that a value was meant as; the issue itself where it could be none of them. */
function withoutUnion(issue: Issue, value: unknown): readonly Issue[] {
  if (issue.code !== 'invalid_union') return [issue];
  const found = issue.path.reduce<unknown>((inner, key) => property(inner, key), value);
  const meant = issue.errors.find((problems) =>
    problems.every(({ path: [first] }) => first !== undefined && property(found, first) !== undefined),
  );
  return meant?.map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] })) ?? [issue];
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
  if (issue.code === 'invalid_union') {
    return `, expected ${choice(alternatives(schema).map(nameOf))}${typeHint('', found, schema)}`;
  }
  return `: ${issue.message}`;
}

/** A value, a kind of value, or the key that tells one alternative from the others. */
function nameOf(schema: unknown): string {
  const [constant, type] = [property(schema, 'const'), property(schema, 'type')];
  if (typeof constant === 'string') return constant;
  return keysOf(schema)[0] ?? (type === 'integer' ? 'a whole number' : (KINDS[String(type)] ?? String(type)));
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
  const inside = (current: unknown, key: PropertyKey): unknown =>
    typeof key === 'number' ? property(current, 'items') : property(property(current, 'properties'), key);
  return path.reduce<unknown>(
    (current, key) => alternatives(current).flatMap((option) => inside(option, key) ?? [])[0],
    schema,
  );
}

/** Of a union; a schema that is none is its own only one. */
function alternatives(schema: unknown): readonly unknown[] {
  const options = property(schema, 'anyOf');
  return Array.isArray(options) ? options : [schema];
}

function keysOf(schema: unknown): readonly string[] {
  const properties = property(schema, 'properties');
  return typeof properties === 'object' && properties !== null ? Object.keys(properties) : [];
}

function property(value: unknown, key: PropertyKey): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  return Object.entries(value).find(([name]) => name === String(key))?.[1];
}
