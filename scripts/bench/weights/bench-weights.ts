import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freeBytes } from '../../lib/set-up-facts.mjs';
import { inBenchFolder } from '../in-bench-folder.ts';
import { describeMachine } from '../machine.ts';
import type { WeightsBenchOptions } from '../options.ts';
import { say } from '../say.ts';
import { compileOurs } from './compile-ours.ts';
import { caseGroups, type BenchCase, type CaseGroup } from './cases.ts';
import { makeMergekit } from './mergekit.ts';
import { isMade, makeModels, modelBytes, modelSets, type ModelSet } from './model-sets.ts';
import { judgeReaches } from './reaches.ts';
import type { BenchRow } from './row.ts';
import { runRounds } from './run-rounds.ts';
import { benchText } from './table.ts';

/** Base, tuned, target, expected. */
const MODELS_A_SET = 4;
const SPARE_BYTES = 1e9;

/**
 * Makes what is missing (models, mergekit), runs the cases, prints the table, writes the rows. Two at once in one folder: the
 * second waits. Interrupted: what was made whole is used again, the rest is made anew.
 * @param root the checkout
 * @returns whether no reach is missed
 */
export async function benchWeights(root: string, options: WeightsBenchOptions): Promise<boolean> {
  return inBenchFolder(root, options, (home) => benchIn(home, root, options));
}

async function benchIn(home: string, root: string, options: WeightsBenchOptions): Promise<boolean> {
  const groups = chosenGroups(options);
  const cases = groups.flatMap((group) => group.cases);
  await checkDisk(home, cases);
  const python = join(root, '.venv', 'bin', 'python');
  for (const set of setsOf(cases)) {
    if (!(await isMade(set, home))) say(`making ${set.name}`);
    await makeModels(set, home, python);
  }
  const needsMergekit = cases.some(({ id }) => id === 'mergekit');
  const mergekit = needsMergekit ? await makeMergekit(join(home, 'mergekit'), python) : '';
  const ours = await compileOurs(root, join(home, 'engine'));
  const rows: BenchRow[] = [];
  for (const group of groups) {
    rows.push(...(await runRounds(group, { root, home, ours, python, mergekit, runs: options.runs, say })));
  }
  rows.sort((a, b) => options.only.indexOf(a.case) - options.only.indexOf(b.case));
  const verdicts = judgeReaches(rows, { judgesTimes: options.size === 'full' });
  const models = `${options.size} models of ${toGigabytes(modelBytes(modelSets(options.size).measured))}`;
  console.log(`${describeMachine()}\n${models}, inputs in the page cache, cases run in turns`);
  console.log(benchText(rows, verdicts));
  if (options.json !== null) await writeFile(options.json, `${JSON.stringify(rows, null, 2)}\n`);
  return verdicts.every(({ mark }) => mark !== 'MISSED');
}

function chosenGroups({ size, only }: WeightsBenchOptions): readonly CaseGroup[] {
  return caseGroups(size)
    .map((group) => ({ ...group, cases: group.cases.filter(({ id }) => only.includes(id)) }))
    .filter(({ cases }) => cases.length > 0);
}

function setsOf(cases: readonly BenchCase[]): readonly ModelSet[] {
  return [...new Set(cases.map(({ models }) => models))];
}

/** Throws where the models to make and the largest output would not fit beside what is there. */
async function checkDisk(home: string, cases: readonly BenchCase[]): Promise<void> {
  let needed = SPARE_BYTES + Math.max(...cases.map((one) => (one.timesItself ? 0 : modelBytes(one.models))));
  for (const set of setsOf(cases)) {
    if (set.values && !(await isMade(set, home))) needed += MODELS_A_SET * modelBytes(set);
  }
  const free = freeBytes(home);
  if (free >= needed) return;
  throw new Error(
    `${home}: ${toGigabytes(free)} are free, the benchmark needs ${toGigabytes(needed)}; make room, name another place with --folder, or leave cases out with --only.`,
  );
}

function toGigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(bytes < 1e9 ? 2 : 1)} GB`;
}
