import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runQuietly } from '../../lib/run-quietly.mjs';
import { measureProcess } from '../measure-process.ts';
import { readInputs, type BenchCase, type CaseGroup, type CasePlace } from './cases.ts';
import { mergekitConfig } from './mergekit.ts';
import type { BenchRow } from './row.ts';
import { valuesOff } from './values-off.ts';

export interface RoundsInput {
  readonly root: string;
  readonly home: string;
  readonly ours: string;
  readonly python: string;
  readonly mergekit: string;
  readonly runs: number;
  readonly say: (line: string) => void;
}

interface Run {
  readonly wallSeconds: number;
  readonly peakBytes: number;
  readonly valuesOff: number | null;
}

/** Runs the cases of a group in turns, one process at a time, and gives one row for each. Ends at the first that fails. */
export async function runRounds(group: CaseGroup, input: RoundsInput): Promise<readonly BenchRow[]> {
  const runs = new Map<BenchCase, Run[]>(group.cases.map((one) => [one, []]));
  const counted = Math.min(input.runs, group.mostRuns);
  for (let round = 1 - group.warmUps; round <= counted; round += 1) {
    for (const [one, soFar] of runs) {
      const run = await runOnce(one, group, input);
      input.say(`${round < 1 ? 'warm-up' : `run ${round} of ${counted}`}, ${one.id}: ${run.wallSeconds.toFixed(3)} s`);
      if (round >= 1) soFar.push(run);
    }
  }
  return [...runs].map(([one, done]) => toRow(one, done));
}

async function runOnce(one: BenchCase, group: CaseGroup, input: RoundsInput): Promise<Run> {
  const { root, home, python } = input;
  const place = await placeOf(one, input);
  const env = { ...process.env, HF_HOME: join(home, 'hugging-face'), HF_HUB_OFFLINE: '1' };
  const unmeasured = async ([command = '', ...args]: readonly string[]): Promise<void> => {
    const { ok, output } = await runQuietly(command, args, { cwd: root, env });
    if (!ok) throw new Error(`\`${[command, ...args].join(' ')}\` failed; its own words:\n${output.trimEnd()}`);
  };
  await rm(place.out, { recursive: true, force: true });
  if (one.prepare !== undefined) await unmeasured(one.prepare(place));
  // What runs before it left must not be written to the disk while this one is measured.
  await unmeasured(['sync', '-f', home]);
  if (group.warmsInputs) await unmeasured(readInputs(place));
  const measured = await measureProcess({
    command: one.command(place),
    cwd: root,
    env,
    python,
    scratch: join(home, 'run.json'),
  });
  const run = {
    wallSeconds: one.timesItself ? Number(await readFile(place.out, 'utf8')) : measured.wallSeconds,
    peakBytes: measured.peakBytes,
    valuesOff:
      one.expected === undefined ? null : await valuesOff(place.out, join(home, one.models.name, one.expected), python),
  };
  await rm(place.out, { recursive: true, force: true });
  return run;
}

async function placeOf({ models }: BenchCase, { home, ours, python, mergekit }: RoundsInput): Promise<CasePlace> {
  const model = (role: string): string => join(home, models.name, role);
  const folders = { target: model('target'), tuned: model('tuned'), base: model('base') };
  const config = join(home, 'mergekit.yaml');
  await writeFile(config, mergekitConfig(folders));
  return { ...folders, out: join(home, 'out'), ours, python, mergekit, mergekitConfig: config };
}

function toRow({ id, tool }: BenchCase, runs: readonly Run[]): BenchRow {
  const off = runs.flatMap((run) => (run.valuesOff === null ? [] : [run.valuesOff]));
  return {
    case: id,
    tool,
    wallSeconds: runs.map(({ wallSeconds }) => wallSeconds),
    peakBytes: Math.max(...runs.map(({ peakBytes }) => peakBytes)),
    valuesOff: off.length === 0 ? null : Math.max(...off),
  };
}
