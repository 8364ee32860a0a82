import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import type { OutcomeUnit, SampleResult } from '../../../contracts/evaluation.schema.ts';
import { messageOf } from '../../../contracts/error.ts';
import { answerText } from '../answer-text.ts';
import { resultsInvalid } from '../program/results-invalid.ts';

const SUBJECT = 'The results of lm-eval';

const rowSchema = z.looseObject({ doc_id: z.int().min(0), filter: z.string(), filtered_resps: z.array(z.unknown()) });
const writtenSchema = z.union([z.string(), z.tuple([z.string()])]);
const choicesSchema = z.array(z.tuple([z.string(), z.enum(['True', 'False'])])).min(2);
const argumentsSchema = z.record(z.string(), z.object({ arg_0: z.string(), arg_1: z.string() }));
const summarySchema = z.object({
  'n-samples': z.record(z.string(), z.object({ effective: z.int().min(1) })),
});

/** What counts of a task's results. */
export interface LmEvalWanted {
  readonly task: string;
  /** METRIC or METRIC,FILTER. */
  readonly metric: string;
  readonly unit: OutcomeUnit;
}

/**
 * Reads what lm-eval logged of one task: one result a document, by document number. Anything less than every document that
 * it says it scored, or a metric that is no finite number, is refused. @throws EVALUATE_RESULTS_INVALID
 */
export async function readLmEvalResults(output: string, wanted: LmEvalWanted): Promise<readonly SampleResult[]> {
  const files = await readdir(output, { recursive: true });
  const isOf = (file: string, name: string): boolean => {
    const base = path.basename(file);
    return base.startsWith(`${name}_`) && /^_\d{4}-\d\d-\d\dT/.test(base.slice(name.length));
  };
  const [samples, ...others] = files.filter((file) => file.endsWith('.jsonl') && isOf(file, `samples_${wanted.task}`));
  const [summary] = files.filter((file) => file.endsWith('.json') && isOf(file, 'results'));
  if (samples === undefined || summary === undefined || others.length > 0) {
    const found = files.map((file) => path.basename(file)).join(', ');
    throw resultsInvalid(SUBJECT, [
      `found ${found === '' ? 'no files' : found}, expected one samples file of the task ${wanted.task} and a summary (a group of tasks has several: name one of its tasks)`,
    ]);
  }
  const { 'n-samples': counts } = parse(
    summarySchema,
    await readFile(path.join(output, summary), 'utf8'),
    'its summary',
  );
  const expected = counts[wanted.task]?.effective ?? 0;
  return toResults(await readFile(path.join(output, samples), 'utf8'), wanted, expected);
}

function toResults(text: string, wanted: LmEvalWanted, expected: number): readonly SampleResult[] {
  const [metric = '', filter = null] = wanted.metric.split(',');
  const rows = text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line, index) => parse(rowSchema, line, `row ${String(index + 1)}`));
  const filters = [...new Set(rows.map((row) => row.filter))];
  if (filter === null && filters.length > 1) {
    throw resultsInvalid(SUBJECT, [`found the filters ${filters.join(', ')}, expected \`metric: ${metric},FILTER\``]);
  }
  const chosen = rows.filter((row) => filter === null || row.filter === filter);
  if (chosen.length === 0)
    throw resultsInvalid(SUBJECT, [`found the filters ${filters.join(', ')}, not ${wanted.metric}`]);
  const ids = new Set(chosen.map((row) => row.doc_id));
  if (ids.size !== chosen.length || ids.size !== expected) {
    throw resultsInvalid(SUBJECT, [
      `found ${String(chosen.length)} rows of ${String(ids.size)} documents, expected one for each of ${String(expected)}`,
    ]);
  }
  return [...chosen]
    .sort((left, right) => left.doc_id - right.doc_id)
    .map((row) => ({
      id: String(row.doc_id),
      outcome: outcomeOf(row, metric, wanted.unit),
      weight: 1,
      lossNats: null,
      answerTokens: 0,
      answer: answerOf(row, metric),
    }));
}

function parse<Value>(schema: z.ZodType<Value>, text: string, what: string): Value {
  try {
    return schema.parse(JSON.parse(text));
  } catch (error) {
    throw resultsInvalid(SUBJECT, [`${what} is not whole, or not as lm-eval 0.4 writes it (${messageOf(error)})`]);
  }
}

function outcomeOf(row: z.output<typeof rowSchema>, metric: string, unit: OutcomeUnit): number {
  const value = typeof row[metric] === 'boolean' ? Number(row[metric]) : row[metric];
  const isIn = typeof value === 'number' && Number.isFinite(value) && (unit === 'nats' || (value >= 0 && value <= 1));
  if (isIn) return value;
  const metrics = Array.isArray(row['metrics']) ? row['metrics'].join(', ') : 'none';
  throw resultsInvalid(SUBJECT, [
    `document ${String(row.doc_id)} has ${value === undefined ? 'nothing' : JSON.stringify(value)} for ${metric}, expected ${unit === 'share' ? 'a number from 0 to 1' : 'a finite number'} (its metrics: ${metrics})`,
  ]);
}

/** What the model wrote; or the likeliest choice, where that is what the metric judges; else null. */
function answerOf(row: z.output<typeof rowSchema>, metric: string): string | null {
  const written = writtenSchema.safeParse(row.filtered_resps[0]);
  if (written.success) return answerText([written.data].flat()[0] ?? '');
  const choices = choicesSchema.safeParse(row.filtered_resps);
  const texts = argumentsSchema.safeParse(row['arguments']);
  if (metric !== 'acc' || !choices.success || !texts.success) return null;
  const likelihoods = choices.data.map(([logLikelihood]) => Number(logLikelihood));
  const chosen = texts.data[`gen_args_${String(likelihoods.indexOf(Math.max(...likelihoods)))}`];
  return chosen === undefined ? null : answerText(chosen.arg_1);
}
