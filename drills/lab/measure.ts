import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { jsonLines } from '../../adapters/trainer/trainer-folder.ts';
import { RegraftError } from '../../contracts/error.ts';
import { runRecordSchema, type RunRecord, type TrainingOutcome } from '../../contracts/run-record.schema.ts';
import type { Continuity } from '../../contracts/training-ledger.schema.ts';
import type { DrillPlace } from './drill-place.ts';

/** A step as every attempt on CPUs logs it: without its duration and the attempt's number. */
export const curveSchema = z.array(
  z.object({ step: z.int(), lossNats: z.number(), learningRate: z.number(), gradientNorm: z.number() }),
);
const loggedSchema = z.object({ attempt: z.int(), time: z.iso.datetime({ offset: true }) });
export type Curve = z.output<typeof curveSchema>;

/** What a run came to after its fault. */
export interface Measured {
  /** As its run record says. */
  readonly stepsLost: number;
  /** From the fault to the first step that the last attempt logged after it, replayed ones included. */
  readonly secondsToTraining: number;
  /** As its run record says. */
  readonly continuity: Continuity['verdict'];
  /** Every step's loss, learning rate and gradient norm is the reference's, bit for bit. */
  readonly curveEqual: boolean;
  /** The last model is the reference's, byte for byte. */
  readonly finalDigestEqual: boolean;
}

/** What a concluded run left that must be the same whatever happened on the way. */
export interface RunOutcome {
  readonly record: RunRecord;
  readonly curve: Curve;
  readonly finalDigest: string;
  readonly training: TrainingOutcome;
}

/** Waits until the run has concluded; reads what it came to. */
export async function readOutcome(place: DrillPlace): Promise<RunOutcome> {
  const entry = await place.untilRelease('succeeded');
  const recordDigest = entry.arms[0]?.result?.recordDigest;
  if (recordDigest === undefined) {
    throw new RegraftError('DRILL_RUN_FAILED', `The run of ${place.name} succeeded and left no record.`);
  }
  const record = runRecordSchema.parse(await place.store.getRecord(recordDigest));
  const { training } = record;
  if (training === null) throw new RegraftError('DRILL_RUN_FAILED', `The run of ${place.name} trained nothing.`);
  const curve = curveSchema.parse(await place.store.getRecord(training.curveDigest));
  return { record, curve, finalDigest: record.final.modelDigest, training };
}

/** Waits until the run has concluded, and compares it with the undisturbed one. `faultAt`: when it broke, as Date.now(). */
export async function measure(
  place: DrillPlace,
  reference: { readonly curve: Curve; readonly finalDigest: string },
  faultAt: number,
): Promise<Measured> {
  const { training, curve, finalDigest } = await readOutcome(place);
  return {
    stepsLost: training.stepsLost,
    secondsToTraining: await secondsToTraining(place, training, faultAt),
    continuity: training.continuity,
    curveEqual: isEqual(curve, reference.curve),
    finalDigestEqual: finalDigest === reference.finalDigest,
  };
}

export function isEqual(curve: Curve, reference: Curve): boolean {
  return JSON.stringify(curve) === JSON.stringify(reference);
}

/** From a moment to the first step that the last attempt logged after it: the one that brought the run to its end. */
export async function secondsToTraining(
  place: DrillPlace,
  training: TrainingOutcome,
  faultAt: number,
): Promise<number> {
  const last = training.attempts.length;
  const times: number[] = [];
  for (const folder of await place.trainingFolders()) {
    const lines = jsonLines(await readFile(path.join(folder, 'metrics.jsonl'), 'utf8'));
    const logged = lines.map((line) => loggedSchema.parse(line)).filter(({ attempt }) => attempt === last);
    times.push(...logged.map(({ time }) => Date.parse(time)));
  }
  return (Math.min(...times.filter((time) => time >= faultAt)) - faultAt) / 1000;
}
