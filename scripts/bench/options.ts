import { parseArgs } from 'node:util';
import { CASE_IDS, isCaseId, type CaseId } from './weights/case-ids.ts';

/** What a run of the weights benchmark was asked to do. */
export interface WeightsBenchOptions {
  /** `full` is what reaches are judged on; `small` shows that everything works. */
  readonly size: 'small' | 'full';
  /** Measured runs of each case, warm-up not counted. */
  readonly runs: number;
  readonly only: readonly CaseId[];
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
  | { readonly kind: 'run'; readonly options: WeightsBenchOptions };

export const BENCH_USAGE = `npm run bench -- weights [options]    recycling weights, beside cat, cp, mergekit and whole models

  --size small|full   full (the default): 2.2 GB models; small: 31 MB models, without mergekit and whole-model
  --only CASE,...     ${CASE_IDS.slice(0, 7).join(', ')},
                      ${CASE_IDS.slice(7).join(', ')}
  --runs N            measured runs of each case; 5 by default, 2 with --size small
  --json FILE         writes the rows, too
  --folder FOLDER     where models, tools and outputs are put; .regraft/bench by default
  --clean             removes that folder, measures nothing`;

const RUNS = { small: 2, full: 5 } as const;

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
  return problems.length > 0 ? { kind: 'wrong', problems } : { kind: 'run', options: toOptions(words) };
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

function problemsOf({ benchmarks, size, only, runs }: Words): readonly string[] {
  const named = benchmarks.length === 0 ? 'no benchmark is named' : `found \`${benchmarks.join(' ')}\``;
  const isCount = runs === null || (/^\d{1,6}$/.test(runs) && Number(runs) >= 1);
  const unknown = (only ?? []).filter((name) => !isCaseId(name));
  return [
    ...(benchmarks.length === 1 && benchmarks[0] === 'weights' ? [] : [`${named}, expected one: weights.`]),
    ...(size === 'small' || size === 'full' ? [] : [`--size is \`${size}\`, expected small or full.`]),
    ...(isCount ? [] : [`--runs is \`${runs}\`, expected a whole number of at least 1.`]),
    ...unknown.map((name) => `--only names \`${name}\`, expected some of ${CASE_IDS.join(', ')}.`),
  ];
}

function toOptions({ size: sizeWord, only, runs, json, folder, clean }: Words): WeightsBenchOptions {
  const size = sizeWord === 'small' ? 'small' : 'full';
  const isChosen = (id: CaseId): boolean => only?.includes(id) ?? (size === 'full' || !SLOW.includes(id));
  return {
    size,
    runs: runs === null ? RUNS[size] : Number(runs),
    only: CASE_IDS.filter(isChosen),
    json,
    clean,
    folder,
  };
}
