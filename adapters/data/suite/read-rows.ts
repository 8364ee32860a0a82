import path from 'node:path';
import { messageOf } from '../../../contracts/error.ts';
import { readBoundedText } from './read-bounded-text.ts';
import type { SuiteProblems } from './suite-problems.ts';

/** One line of a JSONL file. */
export interface Row {
  /** Its fields, as they are in the file. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** `file:line`, for people. */
  readonly where: string;
  /** The field `id`, or else its place among the rows, from 0. */
  readonly id: string;
}

/**
 * The first `limit` rows of a JSONL file (all: null); blank lines are none. Rows that are no JSON objects, and ids that are
 * there twice, become problems. @throws SUITE_INVALID when the file cannot be read or has no row.
 */
export async function readRows(file: string, limit: number | null, problems: SuiteProblems): Promise<readonly Row[]> {
  const name = path.basename(file);
  const lines = (await readBoundedText(file, problems))
    .split('\n')
    .flatMap((text, index) => (text.trim() === '' ? [] : [{ text, where: `${name}:${String(index + 1)}` }]))
    .slice(0, limit ?? Infinity);
  if (lines.length === 0) return problems.fail(name, 'it has no sample, expected one JSON object a line');
  const rows = lines.flatMap(({ text, where }, index) => {
    const fields = parseObject(text, where, problems);
    return fields === null ? [] : [{ fields, where, id: idOf(fields, index, where, problems) }];
  });
  reportRepeated(rows, problems);
  return rows;
}

function parseObject(text: string, where: string, problems: SuiteProblems): Row['fields'] | null {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
    problems.add(where, `found ${Array.isArray(value) ? 'a list' : JSON.stringify(value)}, expected a JSON object`);
  } catch (error) {
    problems.add(where, `it is no JSON (${messageOf(error)})`);
  }
  return null;
}

function idOf(fields: Row['fields'], index: number, where: string, problems: SuiteProblems): string {
  const { id = index } = fields;
  if ((typeof id === 'string' && id !== '') || (typeof id === 'number' && Number.isSafeInteger(id))) return String(id);
  problems.add(where, `\`id\` is ${JSON.stringify(id)}, expected text or a whole number`);
  return '';
}

function reportRepeated(rows: readonly Row[], problems: SuiteProblems): void {
  const first = new Map<string, string>();
  for (const { id, where } of rows) {
    const earlier = first.get(id);
    if (earlier === undefined) first.set(id, where);
    else if (id !== '')
      problems.add(where, `its id \`${id}\` is that of ${earlier}; give every sample its own, or none`);
  }
}
