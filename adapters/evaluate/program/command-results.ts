import { readFile, stat } from 'node:fs/promises';
import type { OutcomeUnit, SampleResult } from '../../../contracts/evaluation.schema.ts';
import { messageOf } from '../../../contracts/error.ts';
import { commandResultSchema } from '../../../contracts/suite.schema.ts';
import { answerText } from '../answer-text.ts';
import { resultsInvalid } from './results-invalid.ts';

const MOST_BYTES = 256 * 2 ** 20;
const SUBJECT = 'The results that the program wrote to {output}';

/** What the results must be. */
export interface Expected {
  /** Each once, in whatever order; null: any. */
  readonly ids: readonly string[] | null;
  readonly unit: OutcomeUnit;
}

/**
 * Reads the results of a program: one JSON object a line, every sample once. They come back in the order of `ids`, or else
 * by id, so that the order of a program's threads changes nothing. @throws EVALUATE_RESULTS_INVALID
 */
export async function readCommandResults(file: string, expected: Expected): Promise<readonly SampleResult[]> {
  const found = await stat(file).catch(() => null);
  if (found === null) throw resultsInvalid(SUBJECT, ['there are none, expected a file']);
  if (found.size > MOST_BYTES) {
    throw resultsInvalid(SUBJECT, [`they have ${String(found.size)} bytes, expected at most ${String(MOST_BYTES)}`]);
  }
  const problems: string[] = [];
  const lines = (await readFile(file, 'utf8')).split('\n').map((text, index) => ({ text, line: String(index + 1) }));
  const results = lines
    .filter(({ text }) => text.trim() !== '')
    .flatMap(({ text, line }) => parseResult(text, line, expected.unit, problems));
  problems.push(...idProblems(results, expected.ids));
  if (problems.length > 0) throw resultsInvalid(SUBJECT, problems);
  return inOrder(results, expected.ids);
}

function parseResult(text: string, line: string, unit: OutcomeUnit, problems: string[]): readonly SampleResult[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    problems.push(`line ${line} is no JSON (${messageOf(error)})`);
    return [];
  }
  const parsed = commandResultSchema.safeParse(value);
  if (!parsed.success) {
    const why = parsed.error.issues.map(({ path, message }) => `\`${path.join('.')}\`: ${message}`).join(', ');
    problems.push(`line ${line}: ${why}`);
    return [];
  }
  const { answer, ...result } = parsed.data;
  if (unit === 'share' && (result.outcome < 0 || result.outcome > 1)) {
    problems.push(`line ${line}: outcome of sample \`${result.id}\` is ${String(result.outcome)}, expected 0 to 1`);
  }
  return [{ ...result, answer: answer === null ? null : answerText(answer) }];
}

function idProblems(results: readonly SampleResult[], ids: readonly string[] | null): readonly string[] {
  const seen = new Set<string>();
  const twice = results.map(({ id }) => id).filter((id) => seen.size === seen.add(id).size);
  const wanted = ids === null ? seen : new Set(ids);
  return [
    ...(results.length === 0 ? ['found no sample'] : []),
    ...twice.map((id) => `sample \`${id}\` is there twice`),
    ...[...wanted].filter((id) => !seen.has(id)).map((id) => `sample \`${id}\` is missing`),
    ...[...seen].filter((id) => !wanted.has(id)).map((id) => `sample \`${id}\` is none of the suite's`),
  ];
}

function inOrder(results: readonly SampleResult[], ids: readonly string[] | null): readonly SampleResult[] {
  const byId = new Map(results.map((result) => [result.id, result]));
  const order = ids ?? [...byId.keys()].sort();
  return order.flatMap((id) => byId.get(id) ?? []);
}
