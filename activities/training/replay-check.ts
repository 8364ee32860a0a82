import type { TrainingStep } from '../../contracts/training-step.schema.ts';
import { compareReplay } from '../../policy/continuity.ts';
import { noteContinuity } from '../../policy/training-ledger.ts';
import type { StepLog } from './step-log.ts';
import type { Training } from './training.ts';

/** Compares what a resumed attempt trains again with what was logged before, and notes how that came out, once. */
export class ReplayCheck {
  readonly #training: Training;
  readonly #log: StepLog;

  constructor(training: Training, log: StepLog) {
    this.#training = training;
    this.#log = log;
  }

  /** Notes the verdict as soon as it stands: broken at the first difference, verified when all is replayed or over. */
  async note(isOver: boolean): Promise<void> {
    const { claim, deps, input } = this.#training;
    const newest = claim.ledger.attempts.at(-1);
    if (newest === undefined || newest.attempt === 1 || newest.continuity !== null) return;
    const before = this.#log.before();
    const last = before.at(-1)?.step ?? 0;
    const after = this.#log.between(newest.atStep, last);
    const continuity = compareReplay(before, after, this.#tolerance(before, after));
    const isReplayed = this.#log.newestStep >= last && this.#log.newestStep > newest.atStep;
    if (continuity.verdict !== 'broken' && !isReplayed && !isOver) return;
    await claim.change((ledger) => noteContinuity(ledger, continuity));
    const { lineage, arm } = input.key;
    deps.metrics.trainingContinuity.increment({ lineage, arm, verdict: continuity.verdict });
  }

  /** Bit for bit on CPUs with one way of adding up; otherwise what the spec allows. */
  #tolerance(before: readonly TrainingStep[], after: readonly TrainingStep[]): number {
    const attempts = this.#training.claim.ledger.attempts;
    const sizes = new Set(attempts.map(({ microBatchSize }) => microBatchSize));
    const isExact = sizes.size === 1 && [...before, ...after].every(({ device }) => device === 'cpu');
    return isExact ? 0 : this.#training.input.finetune.replayTolerance;
  }
}
