import { parseArgs } from 'node:util';
import { INFERENCE_CASE_IDS, type InferenceCaseId } from './inference/case-ids.ts';
import { ORCHESTRATION_CASE_IDS, type OrchestrationCaseId } from './orchestration/case-ids.ts';
import { CASE_IDS, type CaseId } from './weights/case-ids.ts';

/** What a run of the weights benchmark was asked to do. */
export type WeightsBenchOptions = BenchOptions<CaseId>;

/** What a run of the inference benchmark was asked to do. */
export type InferenceBenchOptions = BenchOptions<InferenceCaseId>;

/** What a run of the orchestration benchmark was asked to do; its `runs` are the releases of case `one`. */
export type OrchestrationBenchOptions = BenchOptions<OrchestrationCaseId>;

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

/** One benchmark and what was asked of it. */
export type BenchRun =
  | { readonly kind: 'run'; readonly options: WeightsBenchOptions }
  | { readonly kind: 'run-inference'; readonly options: InferenceBenchOptions }
  | { readonly kind: 'run-orchestration'; readonly options: OrchestrationBenchOptions };

export type ParsedBench =
  { readonly kind: 'help' } | { readonly kind: 'wrong'; readonly problems: readonly string[] } | BenchRun;

export const BENCH_USAGE = `npm run bench -- weights [options]        recycling weights, beside cat, cp, mergekit and whole models
npm run bench -- inference [options]      scoring and writing with a model, beside transformers
npm run bench -- orchestration [options]  what a release costs beside its weights and trainings

  --size small|full   weights: 2.2 GB models (full, the default) or 31 MB models, without mergekit and whole-model;
                      inference: the demo's model and one of 124M parameters (full), or the demo's alone;
                      orchestration: 1,000 lineages at once (full), or 20
  --only CASE,...     weights: ${CASE_IDS.slice(0, 7).join(', ')},
                      ${CASE_IDS.slice(7).join(', ')};
                      inference: ${INFERENCE_CASE_IDS.join(', ')};
                      orchestration: ${ORCHESTRATION_CASE_IDS.join(', ')}
  --runs N            measured runs of each case; 5 by default (inference: 3), 2 with --size small;
                      orchestration: releases of case one, 20 by default, 3 with --size small
  --json FILE         writes the rows, too
  --folder FOLDER     where models, tools and outputs are put; .regraft/bench by default
  --clean             removes that folder, measures nothing`;

/** The cases of each benchmark, and its runs where no number is given. */
const BENCHMARKS = {
  weights: { cases: CASE_IDS, runs: { small: 2, full: 5 } },
  inference: { cases: INFERENCE_CASE_IDS, runs: { small: 2, full: 3 } },
  orchestration: { cases: ORCHESTRATION_CASE_IDS, runs: { small: 3, full: 20 } },
} as const;
const NAMES = ['weights', 'inference', 'orchestration'] as const;
type Benchmark = (typeof NAMES)[number];

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
  const benchmark = benchmarkOf(words);
  const problems = problemsOf(words, benchmark);
  if (problems.length > 0 || benchmark === null) return { kind: 'wrong', problems };
  return toRun(words, benchmark);
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

/** The one that is named; null: none, several, or one that there is not. */
function benchmarkOf({ benchmarks }: Words): Benchmark | null {
  return benchmarks.length === 1 ? (NAMES.find((name) => name === benchmarks[0]) ?? null) : null;
}

function problemsOf({ benchmarks, size, only, runs }: Words, benchmark: Benchmark | null): readonly string[] {
  const named = benchmarks.length === 0 ? 'no benchmark is named' : `found \`${benchmarks.join(' ')}\``;
  const isCount = runs === null || (/^\d{1,6}$/.test(runs) && Number(runs) >= 1);
  const cases: readonly string[] = BENCHMARKS[benchmark ?? 'weights'].cases;
  const unknown = (only ?? []).filter((name) => !cases.includes(name));
  return [
    ...(benchmark !== null ? [] : [`${named}, expected one: ${NAMES.join(', ')}.`]),
    ...(size === 'small' || size === 'full' ? [] : [`--size is \`${size}\`, expected small or full.`]),
    ...(isCount ? [] : [`--runs is \`${runs}\`, expected a whole number of at least 1.`]),
    ...unknown.map((name) => `--only names \`${name}\`, expected some of ${cases.join(', ')}.`),
  ];
}

function toRun(words: Words, benchmark: Benchmark): ParsedBench {
  const { only, size: word, runs, json, folder, clean } = words;
  const size = word === 'small' ? 'small' : 'full';
  const count = runs === null ? BENCHMARKS[benchmark].runs[size] : Number(runs);
  const common = { size, runs: count, json, clean, folder } as const;
  const isNamed = (id: string): boolean => only?.includes(id) ?? true;
  switch (benchmark) {
    case 'weights': {
      const isChosen = (id: CaseId): boolean => only?.includes(id) ?? (size === 'full' || !SLOW.includes(id));
      return { kind: 'run', options: { ...common, only: CASE_IDS.filter(isChosen) } };
    }
    case 'inference':
      return { kind: 'run-inference', options: { ...common, only: INFERENCE_CASE_IDS.filter(isNamed) } };
    case 'orchestration':
      return { kind: 'run-orchestration', options: { ...common, only: ORCHESTRATION_CASE_IDS.filter(isNamed) } };
  }
}
