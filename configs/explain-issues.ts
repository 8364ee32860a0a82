import { closest, distance } from 'fastest-levenshtein';
import { z } from 'zod';

/** How many letters may differ before a suggestion is no help. */
const FARTHEST_SUGGESTION = 0.5;

/** zod's issues as sentences for the one who wrote the file: where, what was found, what is expected. */
export function explainIssues(
  issues: readonly z.core.$ZodIssue[],
  value: unknown,
  schema: z.ZodType,
): readonly string[] {
  const jsonSchema: unknown = z.toJSONSchema(schema, { io: 'input' });
  return issues.flatMap((issue) => {
    if (issue.code !== 'unrecognized_keys') return [`${where(issue.path)}: ${issue.message}${foundAt(issue, value)}`];
    return issue.keys.map((key) => {
      const known = keysAt(jsonSchema, issue.path);
      return `${where([...issue.path, key])}: unknown key${suggestion(key, known)}`;
    });
  });
}

function where(path: readonly PropertyKey[]): string {
  return path.length === 0 ? 'the whole file' : `\`${path.map(String).join('.')}\``;
}

function foundAt(issue: z.core.$ZodIssue, value: unknown): string {
  if (issue.code === 'custom') return '';
  const found = issue.path.reduce<unknown>((inner, key) => property(inner, key), value);
  return found === undefined ? ' (it is missing)' : ` (found ${JSON.stringify(found)})`;
}

function suggestion(key: string, known: readonly string[]): string {
  if (known.length === 0) return '; remove it';
  const nearest = closest(key, [...known]);
  const near = distance(key, nearest) / key.length <= FARTHEST_SUGGESTION ? `; did you mean \`${nearest}\`?` : ';';
  return `${near} known are ${known.join(', ')}`;
}

/** Keys that the schema knows at a path, read from its JSON Schema. */
function keysAt(schema: unknown, path: readonly PropertyKey[]): readonly string[] {
  const inner = path.reduce<unknown>(
    (current, key) =>
      typeof key === 'number' ? property(current, 'items') : property(property(current, 'properties'), key),
    schema,
  );
  const properties = property(inner, 'properties');
  return typeof properties === 'object' && properties !== null ? Object.keys(properties) : [];
}

function property(value: unknown, key: PropertyKey): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  return Object.entries(value).find(([name]) => name === String(key))?.[1];
}
