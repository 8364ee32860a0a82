import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { RegraftError } from '../../contracts/error.ts';
import type { CommittedCheckpoint, RejectedCheckpoint } from '../../contracts/training-ledger.schema.ts';
import { LOST, trainerEnd } from '../../policy/trainer-exit.ts';
import { adoptAttempt, beginAttempt } from '../../policy/training-ledger.ts';
import { heartbeatStep, type TrainingWatch } from './watch.ts';
import { countStart, isComplete, launchOf, planNext, subjectOf, type Training } from './training.ts';

/** Where an attempt begins; null: at the start model. */
type ResumePoint = CommittedCheckpoint | null;

/**
 * Brings a training to where a trainer of its own runs, or where none is needed: adopts the newest attempt's trainer when it
 * is alive, and otherwise starts one at the newest checkpoint that verifies.
 *
 * @throws RegraftError with the code of next-attempt.ts when it was tried often enough
 */
export async function begin(training: Training, watch: TrainingWatch): Promise<void> {
  const { deps, claim, folder } = training;
  await deps.trainers.renewLease(folder, { token: claim.token, holder: deps.holder });
  if (await goOnWithNewest(training, watch)) return;
  if (isComplete(training)) return;
  const next = planNext(training);
  if (next.kind === 'give-up') {
    throw new RegraftError(next.code, `${subjectOf(training)} is not tried again: ${next.why}.`);
  }
  const { point, rejected } = await findResumePoint(training, next.beforeStep);
  await startAt(training, next.microBatchSize, point, [...watch.rejected(), ...rejected]);
}

/** True when the newest attempt's trainer lives. One that has ended unseen is closed, with all it left taken in. */
async function goOnWithNewest(training: Training, watch: TrainingWatch): Promise<boolean> {
  const { deps, claim } = training;
  const newest = claim.ledger.attempts.at(-1);
  const launch = launchOf(training);
  if (newest === undefined || launch === null || newest.end !== null) return false;
  const state = await deps.trainers.state(launch);
  await watch.takeIn();
  if (state.kind === 'running' || state.kind === 'queued') {
    const atStep = claim.ledger.checkpoints.at(-1)?.step ?? newest.atStep;
    await claim.change((ledger) => adoptAttempt(ledger, atStep));
    countStart(training, 'adopted');
    return true;
  }
  if (state.kind === 'exited') await watch.close(trainerEnd(state.exitCode, state.reason));
  // Its log is at another host: what its supervisor last said of it is all that is known here.
  else await watch.close(LOST, Math.max(newest.furthestStep, heartbeatStep(training.scope.lastProgress)));
  return false;
}

/**
 * The newest committed checkpoint whose full state verifies, on this host or brought from the store, and what was wrong
 * with those before it.
 */
async function findResumePoint(
  training: Training,
  beforeStep: number | null,
): Promise<{ readonly point: ResumePoint; readonly rejected: readonly RejectedCheckpoint[] }> {
  const rejected: RejectedCheckpoint[] = [];
  const committed = training.claim.ledger.checkpoints.filter(({ step }) => beforeStep === null || step < beforeStep);
  for (const checkpoint of [...committed].reverse()) {
    const problems = await unusable(training, checkpoint);
    if (problems.length > 0) rejected.push({ step: checkpoint.step, why: problems.join('; ') });
    if (problems.length < 2) return { point: checkpoint, rejected };
  }
  return { point: null, rejected };
}

/** One problem for each copy that cannot be used; fewer than two: there is a usable one in the training folder now. */
async function unusable(training: Training, checkpoint: CommittedCheckpoint): Promise<readonly string[]> {
  const { deps, folder, id } = training;
  const here = await problemHere(training, checkpoint);
  if (here === null) return [];
  const target = path.join(folder, 'checkpoints', `checkpoint-${String(checkpoint.step)}`);
  const isFetched = checkpoint.state !== null && (await deps.states.fetch(id, checkpoint.state, target));
  const inStore = isFetched ? await problemHere(training, checkpoint) : 'the store has no full state of it';
  const mine = `on ${deps.holder} ${here}`;
  return inStore === null ? [mine] : [mine, `in the store: ${inStore}`];
}

async function problemHere(training: Training, { step, attempt }: CommittedCheckpoint): Promise<string | null> {
  const { trainers } = training.deps;
  const { complete, rejected } = await trainers.checkpoints(training.folder, null);
  const found = complete.find((checkpoint) => checkpoint.step === step);
  if (found === undefined) return rejected.find((checkpoint) => checkpoint.step === step)?.why ?? 'it is not there';
  if (found.attempt !== attempt) return `it is attempt ${String(found.attempt)}'s, not attempt ${String(attempt)}'s`;
  return trainers.verify(found);
}

async function startAt(
  training: Training,
  microBatchSize: number,
  point: ResumePoint,
  rejected: readonly RejectedCheckpoint[],
): Promise<void> {
  const { deps, claim, folder, input, scope } = training;
  const launch = { folder, token: randomBytes(8).toString('hex'), launcher: input.finetune.launcher };
  const atStep = point?.step ?? 0;
  const { complete, rejected: torn } = await deps.trainers.checkpoints(folder, null);
  const beyond = [...complete, ...torn].map(({ step }) => step).filter((step) => step > atStep);
  await claim.change((ledger) =>
    beginAttempt(ledger, {
      launch: launch.token,
      launcher: launch.launcher,
      chance: scope.runId,
      host: deps.holder,
      begunAt: deps.clock.now().toISOString(),
      atStep,
      microBatchSize,
      rejected: [...rejected],
    }),
  );
  const job = {
    attempt: claim.ledger.attempts.at(-1)?.attempt ?? 1,
    model: await deps.store.materialize(input.startModel),
    resumeFrom: point === null ? null : `checkpoints/checkpoint-${String(atStep)}`,
    microBatchSize,
  };
  await claim.check(); // from here on the folder changes: nobody may have taken it meanwhile
  await deps.trainers.removeCheckpoints(folder, beyond);
  await deps.trainers.start(launch, job, input.finetune);
  countStart(training, point === null ? 'started' : 'resumed');
}
