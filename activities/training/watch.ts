import { z } from 'zod';
import { secondsOf } from '../../contracts/duration.ts';
import { RegraftError } from '../../contracts/error.ts';
import type { RejectedCheckpoint } from '../../contracts/training-ledger.schema.ts';
import type { TrainerState } from '../../contracts/training.ts';
import { classOfCode, INCOMPLETE, LOST, STALLED, trainerEnd, type TrainerEnd } from '../../policy/trainer-exit.ts';
import { endAttempt, noteRejected } from '../../policy/training-ledger.ts';
import { CheckpointIntake } from './checkpoint-intake.ts';
import { ReplayCheck } from './replay-check.ts';
import { endNow, StallWatch } from './stall-watch.ts';
import { StepLog } from './step-log.ts';
import { isComplete, launchOf, planNext, subjectOf, type Training } from './training.ts';

const LOOK_EVERY_MS = 250;
const RENEW_EVERY_MS = 5_000;
const stepSchema = z.strictObject({ step: z.int() });

/** The step that a heartbeat told of; 0 when it told of none. */
export function heartbeatStep(details: unknown): number {
  return stepSchema.safeParse(details).data?.step ?? 0;
}

/** Follows one training: its steps become gauges, its checkpoints are committed, its replay is compared, its end is judged. */
export class TrainingWatch {
  readonly #training: Training;
  readonly #log: StepLog;
  readonly #intake: CheckpointIntake;
  readonly #replay: ReplayCheck;
  #renewedAt = 0;

  constructor(training: Training) {
    this.#training = training;
    this.#log = new StepLog(training);
    this.#intake = new CheckpointIntake(training, this.#log);
    this.#replay = new ReplayCheck(training, this.#log);
  }

  /** Checkpoints of the newest attempt that were not taken in, for they do not verify. */
  rejected(): readonly RejectedCheckpoint[] {
    return this.#intake.rejected();
  }

  /** Until the trainer has ended well. @throws RegraftError with what its end means and what it said last */
  async untilEnd(): Promise<void> {
    const { deps, scope, claim } = this.#training;
    const launch = launchOf(this.#training);
    if (launch === null || claim.ledger.attempts.at(-1)?.end !== null) return;
    const stall = new StallWatch(this.#training, this.#log);
    for (;;) {
      const state = await deps.trainers.state(launch);
      await this.takeIn();
      if (state.kind === 'absent' || state.kind === 'exited') {
        await this.#judge(stall.hasEnded ? STALLED : endOf(state));
        return;
      }
      await this.#renew();
      if (await stall.isOver(state.kind)) await endNow(this.#training, launch);
      await deps.clock.sleep(LOOK_EVERY_MS, scope.signal);
    }
  }

  /** Takes in what the trainer has written since the last time. */
  async takeIn(): Promise<void> {
    const { deps, scope, input } = this.#training;
    const found = await this.#intake.find(); // first: what a stock trainer logged is only in its checkpoints
    const newest = await this.#log.read();
    if (newest !== null) {
      scope.progress(stepSchema.parse({ step: newest.step }));
      this.#log.show(deps.metrics, input);
    }
    await this.#intake.commit(found);
    await this.#replay.note(false);
  }

  /** Takes in what a trainer that was told to stop has left, and closes its attempt. */
  async afterStop(end: TrainerEnd): Promise<void> {
    await this.takeIn();
    await this.close(end);
  }

  /** Closes the newest attempt, if it is open. `knownStep`: one that it is known to have made, though no log here says so. */
  async close(end: TrainerEnd, knownStep = 0): Promise<void> {
    const { deps, claim, input } = this.#training;
    if (claim.ledger.attempts.at(-1)?.end !== null) return;
    await this.#replay.note(true);
    const rejected = this.#intake.rejected();
    const lastStep = Math.max(this.#log.newestStep, knownStep);
    const at = deps.clock.now().toISOString();
    const code = isComplete(this.#training) ? null : (end.code ?? INCOMPLETE.code);
    await claim.change((ledger) => endAttempt(noteRejected(ledger, rejected), { code, lastStep, at }));
    deps.metrics.trainingEnds.increment({ ...input.key, end: classOfCode(code) });
  }

  async #renew(): Promise<void> {
    const { deps, claim, folder, input } = this.#training;
    const now = deps.clock.now().getTime();
    const everyMs = Math.min(RENEW_EVERY_MS, (secondsOf(input.finetune.leaseFor) * 1000) / 3);
    if (now - this.#renewedAt < everyMs) return;
    this.#renewedAt = now;
    await claim.check();
    await deps.trainers.renewLease(folder, { token: claim.token, holder: deps.holder });
  }

  async #judge(end: TrainerEnd): Promise<void> {
    const { deps, input, folder } = this.#training;
    await this.close(end);
    if (isComplete(this.#training)) return;
    const meant = end.class === 'done' ? INCOMPLETE : end;
    const at = `after step ${String(this.#log.newestStep)} of ${String(input.finetune.steps)}`;
    const words = await deps.trainers.lastWords(folder);
    const next = planNext(this.#training);
    const then =
      next.kind === 'give-up'
        ? `It is not tried again: ${next.why}.`
        : `It is tried again${next.afterMs === 0 ? '' : ` in ${String(next.afterMs / 1000)} s`}.`;
    const curve = meant.class === 'diverged' ? ` Its last losses: ${this.#log.lastLosses()}.` : '';
    throw new RegraftError(
      next.kind === 'give-up' ? next.code : (meant.code ?? ''),
      `${subjectOf(this.#training)} ${meant.meaning} ${at}. ${then}${curve} It said: ${words}`,
      {
        retryable: next.kind === 'begin',
        ...(next.kind === 'begin' && { retryAfterMs: next.afterMs }),
        details: { folder, code: meant.code },
      },
    );
  }
}

function endOf(state: TrainerState): TrainerEnd {
  return state.kind === 'exited' ? trainerEnd(state.exitCode, state.reason) : LOST;
}
