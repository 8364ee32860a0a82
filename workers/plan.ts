import { stat } from 'node:fs/promises';
import path from 'node:path';
import { createFileDataReader } from '../adapters/data/file-data-reader.ts';
import { createFolderSource } from '../adapters/source/folder-source.ts';
import { isErrno } from '../adapters/store/atomic-file.ts';
import { messageOf, RegraftError } from '../contracts/error.ts';
import type { Arm, LineageSpec } from '../contracts/lineage-spec.schema.ts';
import { orderReleases } from '../policy/order-releases.ts';
import { armsOf } from '../policy/plan-arms.ts';
import { inspect } from '../weights/index.ts';

/** What a lineage would do with what its source has right now. */
export interface Plan {
  readonly lineage: string;
  readonly releases: readonly {
    readonly name: string;
    readonly position: readonly number[];
    readonly parameters: number;
    readonly sizeBytes: number;
    readonly trainings: number;
  }[];
  /** Complete model folders whose names do not follow the family's pattern. */
  readonly ignored: readonly string[];
  readonly arms: readonly Arm[];
  readonly steps: number;
  /** Disk that the store would take at most: each checkpoint, recycled model and Δ of every training. */
  readonly diskBytes: number;
  /** Everything that would stop it, as sentences. */
  readonly blockers: readonly string[];
}

/** Looks at the source, the data and the suites; starts nothing, writes nothing, needs no server. */
export async function planLineage(spec: LineageSpec): Promise<Plan> {
  const { ordered, ignored } = orderReleases(await namesIn(spec.family), spec.family);
  const arms = armsOf(spec);
  const blockers = await blockersOf(spec);
  const releases: Plan['releases'][number][] = [];
  for (const [index, { name, position }] of ordered.entries()) {
    const report = await inspect(path.join(spec.family.folder, name));
    blockers.push(...report.problems.map((problem) => `${name}: ${problem.sentence}`));
    const { parameterCount: parameters, sizeBytes } = report;
    releases.push({ name, position, parameters, sizeBytes, trainings: trainingsAt(index, arms) });
  }
  const trainings = releases.reduce((sum, release) => sum + release.trainings, 0);
  const { steps, saveEvery } = spec.finetune;
  // How often an automatic interval saves shows only in training; it is chosen to be rare.
  const perTraining = (saveEvery === 'auto' ? 10 : Math.ceil(steps / saveEvery)) + 2;
  return {
    lineage: spec.name,
    releases,
    ignored,
    arms,
    steps: trainings * steps,
    diskBytes: releases.reduce(
      (sum, { sizeBytes, trainings: count }) => sum + sizeBytes * (1 + count * perTraining),
      0,
    ),
    blockers,
  };
}

/** What the source lists; nothing where the family is no folder, which is among the blockers. */
async function namesIn(family: LineageSpec['family']): Promise<readonly string[]> {
  try {
    return await createFolderSource().list(family);
  } catch (error) {
    if (isErrno(error, 'ENOTDIR')) return [];
    throw error;
  }
}

/** At the first release all arms start alike, at the second direct and iterative do. */
function trainingsAt(index: number, arms: readonly Arm[]): number {
  if (index === 0) return 1;
  const areAlike = index === 1 && arms.includes('direct') && arms.includes('iterative');
  return arms.length - (areAlike ? 1 : 0);
}

async function blockersOf(spec: LineageSpec): Promise<string[]> {
  const data = createFileDataReader();
  const checks: (() => Promise<unknown>)[] = [
    () => data.datasetDigest(spec.finetune.dataset),
    ...spec.evaluate.map((suite) => () => data.suite(suite)),
    ...(spec.probe === undefined ? [] : [spec.probe]).map((probe) => () => data.suite({ name: 'probe', ...probe })),
    () => assertFolder(spec.family.folder),
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

/** The source itself takes a folder that is not there for one without releases yet. */
async function assertFolder(folder: string): Promise<void> {
  const found = await stat(folder).catch(() => null);
  if (found === null) {
    throw new RegraftError(
      'FAMILY_NOT_FOUND',
      `Family folder ${folder} does not exist; correct \`family.folder\`, or make the folder.`,
    );
  }
  if (!found.isDirectory()) {
    throw new RegraftError('FAMILY_NOT_FOUND', `Family folder ${folder} is a file; correct \`family.folder\`.`);
  }
}
