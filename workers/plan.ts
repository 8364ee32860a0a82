import { createFileDataReader } from '../adapters/data/file-data-reader.ts';
import { createReleaseSource, readSourceSettings } from '../adapters/source/release-source.ts';
import { messageOf } from '../contracts/error.ts';
import type { Arm, LineageSpec } from '../contracts/lineage-spec.schema.ts';
import { armsOf } from '../policy/plan-arms.ts';
import { planFamily, type FamilyPlan, type PlannedRelease } from './plan-family.ts';
import { readRevealed } from './secret-paths.ts';
import { readSecrets } from './secrets.ts';

/** What a lineage would do with what its source has right now. */
export interface Plan extends FamilyPlan {
  readonly lineage: string;
  readonly releases: readonly (PlannedRelease & { readonly trainings: number })[];
  readonly arms: readonly Arm[];
  readonly steps: number;
  /** Disk that the store would take at most: each checkpoint, recycled model and Δ of every training. */
  readonly diskBytes: number;
}

/** Looks at the source, the data and the suites; starts nothing, writes nothing, fetches no weights, needs no server. */
export async function planLineage(
  spec: LineageSpec,
  environment: Readonly<Record<string, string | undefined>> = {},
  signal: AbortSignal = new AbortController().signal,
): Promise<Plan> {
  const source = createReleaseSource(readSourceSettings(environment));
  const family = await planFamily(spec.family, source, signal);
  const arms = armsOf(spec);
  const releases = family.releases.map((release, index) => ({ ...release, trainings: trainingsAt(index, arms) }));
  const trainings = releases.reduce((sum, release) => sum + release.trainings, 0);
  const { steps, saveEvery } = spec.finetune;
  // How often an automatic interval saves shows only in training; it is chosen to be rare.
  const perTraining = (saveEvery === 'auto' ? 10 : Math.ceil(steps / saveEvery)) + 2;
  return {
    ...family,
    lineage: spec.name,
    releases,
    arms,
    steps: trainings * steps,
    diskBytes: releases.reduce(
      (sum, { sizeBytes, trainings: count }) => sum + (sizeBytes ?? 0) * (1 + count * perTraining),
      0,
    ),
    blockers: [...(await blockersOf(spec, environment)), ...family.blockers],
  };
}

/** At the first release all arms start alike, at the second direct and iterative do. */
function trainingsAt(index: number, arms: readonly Arm[]): number {
  if (index === 0) return 1;
  const areAlike = index === 1 && arms.includes('direct') && arms.includes('iterative');
  return arms.length - (areAlike ? 1 : 0);
}

async function blockersOf(
  spec: LineageSpec,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<string[]> {
  const data = readRevealed(createFileDataReader(), await readSecrets(environment));
  const checks: (() => Promise<unknown>)[] = [
    () => data.datasetDigest(spec.finetune.dataset),
    ...spec.evaluate.map((suite) => () => data.suite(suite)),
    ...(spec.probe === undefined ? [] : [spec.probe]).map((probe) => () => data.suite({ name: 'probe', ...probe })),
  ];
  const problems: string[] = [];
  for (const check of checks) {
    try {
      await check();
    } catch (error) {
      problems.push(messageOf(error));
    }
  }
  return problems;
}
