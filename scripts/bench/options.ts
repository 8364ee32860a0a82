import { parseArgs } from 'node:util';
import { INFERENCE_CASE_IDS, type InferenceCaseId } from './inference/case-ids.ts';
import { CASE_IDS, isCaseId, type CaseId } from './weights/case-ids.ts';

/** What a run of the weights benchmark was asked to do. */
export type WeightsBenchOptions = BenchOptions<CaseId>;

/** What a run of the inference benchmark was asked to do. */
export type InferenceBenchOptions = BenchOptions<InferenceCaseId>;

interface BenchOptions<Case> {
  /** `full` is what reaches are judged on; `small` shows that everything works. */
  readonly size: 'small' | 'full';
  /** Measured runs of each case, warm-up not counted. */
  readonly runs: number;
  readonly only: readonly Case[];
  /** Where the rows are written as JSON; null: nowhere. */
  readonly json: string | null;
  /** Removes what earlier runs left, and measures nothing. */
  readonly clean: boolean;
  /** Where models, tools and outputs are put; relative to where the command was started. Null: .regraft/bench. */
  readonly folder: string | null;
}

export type ParsedBench =
  | { readonly kind: 'help' }
  | { readonly kind: 'wrong'; readonly problems: readonly string[] }
  | { readonly kind: 'run'; readonly options: WeightsBenchOptions }
  | { readonly kind: 'run-inference'; readonly options: InferenceBenchOptions };

export const BENCH_USAGE = `npm run bench -- weights [options]    recycling weights, beside cat, cp, mergekit and whole models
npm run bench -- inference [options]  scoring and writing with a model, beside transformers

  --size small|full   weights: 2.2 GB models (full, the default) or 31 MB models, without mergekit and whole-model;
                      inference: the demo's model and one of 124M parameters (full), or the demo's alone
  --only CASE,...     weights: ${CASE_IDS.slice(0, 7).join(', ')},
                      ${CASE_IDS.slice(7).join(', ')};
                      inference: ${INFERENCE_CASE_IDS.join(', ')}
  --runs N            measured runs of each case; 5 by default (inference: 3), 2 with --size small
  --json FILE         writes the rows, too
  --folder FOLDER     where models, tools and outputs are put; .regraft/bench by default
  --clean             removes that folder, measures nothing`;

const RUNS = { weights: { small: 2, full: 5 }, inference: { small: 2, full: 3 } } as const;

/** Cases that a small run leaves out unless they are named: they take longer than everything else together. */
const SLOW: readonly CaseId[] = ['mergekit', 'whole-model'];

/** Reads the arguments after `npm run bench --`; says everything that is wrong with them at once. */
export function parseBenchOptions(args: readonly string[]): ParsedBench {
  if (args.length === 0 || args.includes('--help')) return { kind: 'help' };
  let words: Words;
  try {
    words = readWords(args);
  } catch (error) {
    return { kind: 'wrong', problems: [error instanceof Error ? error.message : String(error)] };
  }
  const problems = problemsOf(words);
  if (problems.length > 0) return { kind: 'wrong', problems };
  if (isInference(words)) return { kind: 'run-inference', options: toInferenceOptions(words) };
  return { kind: 'run', options: toOptions(words) };
}

/** The arguments apart, not yet looked at. */
interface Words {
  readonly benchmarks: readonly string[];
  readonly size: string;
  readonly only: readonly string[] | null;
  readonly runs: string | null;
  readonly json: string | null;
  readonly folder: string | null;
  readonly clean: boolean;
}

function readWords(args: readonly string[]): Words {
  const text = { type: 'string' } as const;
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { size: text, only: text, runs: text, json: text, folder: text, clean: { type: 'boolean' } },
  });
  return {
    benchmarks: positionals,
    size: values.size ?? 'full',
    only: values.only?.split(',') ?? null,
    runs: values.runs ?? null,
    json: values.json ?? null,
    folder: values.folder ?? null,
    clean: values.clean ?? false,
  };
}

function isInference({ benchmarks }: Words): boolean {
  return benchmarks[0] === 'inference';
}

function problemsOf(words: Words): readonly string[] {
  const { benchmarks, size, only, runs } = words;
  const named = benchmarks.length === 0 ? 'no benchmark is named' : `found \`${benchmarks.join(' ')}\``;
  const isCount = runs === null || (/^\d{1,6}$/.test(runs) && Number(runs) >= 1);
  const cases: readonly string[] = isInference(words) ? INFERENCE_CASE_IDS : CASE_IDS;
  const unknown = (only ?? []).filter((name) => !(isInference(words) ? cases.includes(name) : isCaseId(name)));
  const isOne = benchmarks.length === 1 && (benchmarks[0] === 'weights' || isInference(words));
  return [
    ...(isOne ? [] : [`${named}, expected one: weights, inference.`]),
    ...(size === 'small' || size === 'full' ? [] : [`--size is \`${size}\`, expected small or full.`]),
    ...(isCount ? [] : [`--runs is \`${runs}\`, expected a whole number of at least 1.`]),
    ...unknown.map((name) => `--only names \`${name}\`, expected some of ${cases.join(', ')}.`),
  ];
}

function toOptions(words: Words): WeightsBenchOptions {
  const { only } = words;
  const common = toCommon(words, RUNS.weights);
  const isChosen = (id: CaseId): boolean => only?.includes(id) ?? (common.size === 'full' || !SLOW.includes(id));
  return { ...common, only: CASE_IDS.filter(isChosen) };
}

function toInferenceOptions(words: Words): InferenceBenchOptions {
  const only = INFERENCE_CASE_IDS.filter((id) => words.only?.includes(id) ?? true);
  return { ...toCommon(words, RUNS.inference), only };
}

function toCommon(
  { size: word, runs, json, folder, clean }: Words,
  defaultRuns: Readonly<Record<'small' | 'full', number>>,
): Omit<BenchOptions<never>, 'only'> {
  const size = word === 'small' ? 'small' : 'full';
  return { size, runs: runs === null ? defaultRuns[size] : Number(runs), json, clean, folder };
}
