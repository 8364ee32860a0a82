import { z } from 'zod';
import { trainingStepSchema, type TrainingStep } from '../../contracts/training-step.schema.ts';
import type { Metrics } from '../../metrics/registry.ts';
import type { FinetuneInput, Training } from './training.ts';

const SHOWN_LOSSES = 10;
const curveSchema = z.array(trainingStepSchema);

/** What the trainers of a folder have logged, read as it comes. Of a step that one attempt logged twice the first counts. */
export class StepLog {
  readonly #training: Training;
  /** The newest attempt's steps, by step. */
  readonly #now = new Map<number, TrainingStep>();
  /** What earlier attempts logged beyond where the newest one began; the newest attempt's word. */
  readonly #before = new Map<number, TrainingStep>();
  #attempt = 0;
  #offsetBytes = 0;
  #newest: TrainingStep | null = null;

  constructor(training: Training) {
    this.#training = training;
  }

  /** Newest step of the newest attempt; where it began, while it has logged none. */
  get newestStep(): number {
    return this.#newest?.step ?? this.#training.claim.ledger.attempts.at(-1)?.atStep ?? 0;
  }

  /** Reads on; returns the newest step if there is a new one. */
  async read(): Promise<TrainingStep | null> {
    const newest = this.#training.claim.ledger.attempts.at(-1);
    if (newest === undefined) return null;
    if (newest.attempt !== this.#attempt) await this.#begin(newest.attempt, newest.replaces);
    const { steps, offsetBytes } = await this.#training.deps.trainers.readSteps(
      this.#training.folder,
      this.#offsetBytes,
    );
    this.#offsetBytes = offsetBytes;
    const before = this.#newest;
    for (const step of steps) {
      if (step.step <= newest.atStep) continue;
      if (step.attempt < newest.attempt) this.#before.set(step.step, step);
      if (step.attempt === newest.attempt && !this.#now.has(step.step)) {
        this.#now.set(step.step, step);
        this.#newest = step;
      }
    }
    return this.#newest === before ? null : this.#newest;
  }

  /** The newest attempt's steps in (from, to], ascending. */
  between(from: number, to: number): readonly TrainingStep[] {
    return [...this.#now.values()]
      .filter(({ step }) => step > from && step <= to)
      .sort((left, right) => left.step - right.step);
  }

  /** What earlier attempts had logged for the steps that the newest one makes again. */
  before(): readonly TrainingStep[] {
    return [...this.#before.values()].sort((left, right) => left.step - right.step);
  }

  lastLosses(): string {
    const all = this.between(0, Infinity).slice(-SHOWN_LOSSES);
    return all.map(({ step, lossNats }) => `${String(step)}: ${lossNats.toPrecision(4)}`).join(', ');
  }

  show(metrics: Metrics, { key, finetune }: FinetuneInput): void {
    const newest = this.#newest;
    if (newest === null) return;
    metrics.trainStep.set(key, newest.step);
    metrics.trainStepsPlanned.set(key, finetune.steps);
    metrics.trainLossNats.set(key, newest.lossNats);
    metrics.trainLearningRate.set(key, newest.learningRate);
    if (newest.gradientNorm !== null) metrics.trainGradientNorm.set(key, newest.gradientNorm);
    if (newest.stepSeconds !== null) metrics.trainStepSeconds.set(key, newest.stepSeconds);
    if (newest.tokensSeen !== null) metrics.trainTokensSeen.set(key, newest.tokensSeen);
    if (newest.memoryBytes !== null) metrics.trainMemoryBytes.set(key, newest.memoryBytes);
  }

  async #begin(attempt: number, replaces: readonly string[]): Promise<void> {
    this.#attempt = attempt;
    this.#now.clear();
    this.#before.clear();
    this.#offsetBytes = 0;
    this.#newest = null;
    for (const digest of replaces) {
      const steps = curveSchema.parse(await this.#training.deps.store.getRecord(digest));
      for (const step of steps) this.#before.set(step.step, step);
    }
  }
}
