import { z } from 'zod';
import { isCodedError, RegraftError } from '../contracts/error.ts';
import type { TrainingOutcome } from '../contracts/run-record.schema.ts';
import { worstContinuity } from '../policy/continuity.ts';
import { STOPPED } from '../policy/trainer-exit.ts';
import { stepsLost, trainedSeconds } from '../policy/training-ledger.ts';
import { stageAtRim, type ActivityScope } from './rim.ts';
import type { TrainerLaunch } from './training-ports.ts';
import { begin } from './training/begin.ts';
import { stopWithin } from './training/stall-watch.ts';
import {
  launchOf,
  openTraining,
  subjectOf,
  type FinetuneInput,
  type TrainDeps,
  type Training,
} from './training/training.ts';
import { TrainingWatch } from './training/watch.ts';

export type { FinetuneInput, TrainDeps } from './training/training.ts';

/** How long a new supervisor may take from its claim to an attempt or an adoption; after that the lease decides. */
const DECIDES_WITHIN_MS = 60_000;
const LOOK_EVERY_MS = 1_000;

/** Supervision of trainers on a `gpu` queue. */

export function createTrainActivities(deps: TrainDeps) {
  return {
    finetuneModel: stageAtRim(deps.metrics, 'finetune', (input: FinetuneInput, scope) =>
      superviseTraining(deps, input, scope),
    ),
    concludeTraining: stageAtRim(deps.metrics, 'finetune', (input: FinetuneInput, scope) =>
      concludeTraining(deps, input, scope),
    ),
  };
}

/**
 * Brings one training to its end. The trainer is a process of its own with a folder: when this runs again (a retry, a
 * restarted worker, another host) it takes the training over with a higher fencing token, adopts a trainer that is alive,
 * resumes a dead one from its newest checkpoint that verifies, and does nothing when the training is complete. Every
 * finished checkpoint is committed to the store and announced to the run.
 *
 * Heartbeats `{step}`. A worker that shuts down leaves the trainer running; a cancelled activity asks it for a
 * checkpoint and ends it; one whose training was taken over changes nothing any more.
 *
 * @throws RegraftError TRAINER_* as in policy/trainer-exit.ts, with the trainer's last words; TRAINING_FENCED
 */
async function superviseTraining(
  deps: TrainDeps,
  input: FinetuneInput,
  scope: ActivityScope,
): Promise<TrainingOutcome> {
  const training = await openTraining(deps, input, scope);
  const watch = new TrainingWatch(training);
  try {
    await begin(training, watch);
    await watch.untilEnd();
  } catch (error) {
    await leave(training, watch, error);
    throw error;
  }
  return outcomeOf(training);
}

/**
 * Ends a training that has gone far enough: a trainer that is still alive saves and ends, and what it leaves is taken in.
 * Run twice, it answers the same.
 *
 * @throws RegraftError TRAINING_NOTHING_SAVED; TRAINING_FENCED
 */
async function concludeTraining(deps: TrainDeps, input: FinetuneInput, scope: ActivityScope): Promise<TrainingOutcome> {
  const training = await openTraining(deps, input, scope);
  const watch = new TrainingWatch(training);
  const launch = launchOf(training);
  const isOpen = training.claim.ledger.attempts.at(-1)?.end === null;
  if (launch !== null && isOpen) await stopWithin(deps, launch);
  await watch.afterStop(STOPPED);
  if (training.claim.ledger.checkpoints.length > 0) return outcomeOf(training);
  throw new RegraftError(
    'TRAINING_NOTHING_SAVED',
    `${subjectOf(training)} was to end early and has no checkpoint yet; expected at least one: retry the release.`,
  );
}

/** What an activity that ends early still owes its trainer. */
async function leave(training: Training, watch: TrainingWatch, error: unknown): Promise<void> {
  const { deps, scope, input } = training;
  const isFenced = isCodedError(error) && error.code === 'TRAINING_FENCED';
  if (!isFenced && scope.stopReason() !== 'cancelled') return;
  try {
    if (isFenced) throw error;
    await training.claim.check();
    const launch = launchOf(training);
    if (launch !== null) await stopWithin(deps, launch);
    await watch.afterStop(STOPPED);
  } catch (fenced) {
    if (!isCodedError(fenced) || fenced.code !== 'TRAINING_FENCED') throw fenced;
    deps.metrics.staleWritesRefused.increment(input.key);
    await endSuperseded(training, launchOf(training));
  }
}

/**
 * Ends the trainer that this supervisor looked after, unless the one that took over goes on with it. Which of the two it
 * does shows in the ledger a moment after it has raised the token.
 */
async function endSuperseded({ claim, deps }: Training, mine: TrainerLaunch | null): Promise<void> {
  if (mine === null) return;
  const { starts } = claim.ledger;
  const never = new AbortController().signal;
  for (let waitedMs = 0; waitedMs < DECIDES_WITHIN_MS; waitedMs += LOOK_EVERY_MS) {
    const now = await claim.newest();
    const newest = now.attempts.at(-1);
    if (newest?.launch !== mine.token || newest.end !== null) return deps.trainers.stop(mine, 'kill');
    if (now.starts.length > starts.length) return; // adopted
    await deps.clock.sleep(LOOK_EVERY_MS, never);
  }
}

const curveSchema = z.array(z.unknown());

async function outcomeOf({ deps, claim, jobDigest, datasetDigest }: Training): Promise<TrainingOutcome> {
  const { starts, attempts, checkpoints } = claim.ledger;
  const curve: unknown[] = [];
  for (const { curveDigest } of checkpoints) curve.push(...curveSchema.parse(await deps.store.getRecord(curveDigest)));
  return {
    starts: [...starts],
    attempts: attempts.map(({ attempt, host, atStep, microBatchSize, rejected, continuity, end }) => ({
      ...{ attempt, host, atStep, microBatchSize, rejected, continuity, end },
    })),
    stepsLost: stepsLost(attempts),
    continuity: worstContinuity(attempts.flatMap(({ continuity }) => continuity ?? [])),
    stepsDone: checkpoints.at(-1)?.step ?? 0,
    trainedSeconds: trainedSeconds(attempts, deps.clock.now().toISOString()),
    checkpoints: checkpoints.map(({ step, modelDigest }) => ({ step, modelDigest })),
    curveDigest: await deps.store.putRecord(curve),
    datasetDigest,
    jobDigest,
  };
}
