import { readdir, readlink } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import type { ReleaseState } from '../../contracts/lineage-state.ts';
import {
  releaseRecordSchema,
  runRecordSchema,
  type RunRecord,
  type TrainingOutcome,
} from '../../contracts/run-record.schema.ts';
import type { LineagePlace } from './lineage-place.ts';

/** A step as every attempt on CPUs logs it: without its duration and the attempt's number. */
const curveSchema = z.array(
  z.object({
    step: z.int(),
    lossNats: z.number(),
    learningRate: z.number(),
    gradientNorm: z.number(),
    tokensSeen: z.int(),
  }),
);

export interface RunOutcome {
  /** What must be the same whatever happened on the way and in whichever lineage: no times, no names, no places. */
  readonly same: Readonly<Record<string, unknown>> & { readonly live: string };
  readonly starts: TrainingOutcome['starts'];
}

/** What the production arm of a concluded release left: in its records, in its curve, and where it went live. */
export async function readRunOutcome(place: LineagePlace, entry: ReleaseState): Promise<RunOutcome> {
  const result = entry.arms[0]?.result ?? null;
  if (result === null || entry.recordDigest === null) {
    throw new Error(`${place.name} came to nothing at ${entry.release.name}: ${JSON.stringify(entry.arms)}`);
  }
  const record = runRecordSchema.parse(await place.store.getRecord(result.recordDigest));
  const { training } = record;
  if (training === null) throw new Error(`${place.name} trained nothing at ${entry.release.name}`);
  const { arms } = releaseRecordSchema.parse(await place.store.getRecord(entry.recordDigest));
  return {
    starts: training.starts,
    same: {
      ...sameOfRun(record, training),
      curve: curveSchema.parse(await place.store.getRecord(training.curveDigest)),
      arms: arms.map((summary) => ({ ...summary, recordDigest: null })),
      published: await place.store.readRef(`published/${place.name}`),
      live: path.basename(await readlink(path.join(place.target, 'current'))),
      versions: (await readdir(path.join(place.target, 'versions'))).sort(),
    },
  };
}

function sameOfRun(
  { publications, ...record }: RunRecord,
  training: TrainingOutcome,
): Readonly<Record<string, unknown>> {
  const { release, arm, source, startModelDigest, evaluations, best, final, gate } = record;
  const { candidateDigest, deltaDigest, deltaNorm } = record;
  const { stepsDone, checkpoints, datasetDigest, jobDigest } = training;
  return {
    ...{ release, arm, source, startModelDigest, evaluations, best, final, gate },
    ...{ candidateDigest, deltaDigest, deltaNorm },
    training: { stepsDone, checkpoints, datasetDigest, jobDigest },
    publications: publications.map(({ candidateDigest: live, previousDigest }) => ({ live, previousDigest })),
  };
}
