import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  condition,
  isCancellation,
  sleep,
  TimeoutFailure,
} from '@temporalio/workflow';
import type { CurveVerdict, TargetReference } from '../../contracts/curve.schema.ts';
import { secondsOf } from '../../contracts/duration.ts';
import type { FinetuneSpec, LineageSpec } from '../../contracts/lineage-spec.schema.ts';
import type { RunKey, Spent } from '../../contracts/run.ts';
import type { TrainingOutcome } from '../../contracts/run-record.schema.ts';
import { SUPERVISION_KEYS } from '../../contracts/supervision-keys.ts';
import { judgeCurve } from '../../policy/curve/judge-curve.ts';
import { curveOf } from '../../policy/curve/curve-of.ts';
import { runSpentUp, spentOf } from '../../policy/lineage/spending.ts';
import { gpuOn } from '../activities.ts';
import { runMetrics } from '../sinks.ts';
import type { Evaluations } from './evaluations.ts';

/** What a run's training is told, and by whom its curve is judged. */
export interface TrainingSetting {
  readonly key: RunKey;
  readonly spec: LineageSpec;
  readonly evaluations: Evaluations;
  readonly held: boolean;
  /** What the curve is to reach, as far as it is known by now. */
  readonly target: () => TargetReference | null;
  /** Told what the training has taken, at every checkpoint. */
  readonly onSpent: (spent: Spent) => Promise<void>;
}

/**
 * A run's training with the evaluation of its checkpoints beside it: the one never waits for the other. Held, it saves and
 * ends; let go, it resumes. It ends early when its curve says so and the spec lets it, when a newer release supersedes it,
 * and when its budget is spent.
 */
export class Training {
  readonly #setting: TrainingSetting;
  readonly #announced = new Map<number, string>();
  #finetune: FinetuneSpec;
  #held: boolean;
  #spent: Spent | null = null;
  #superseded = false;
  /** Why the budget ended it. */
  #overBudget: string | null = null;
  /** The running training's scope; null while none runs, and once a hold or the curve has cancelled it. */
  #scope: CancellationScope | null = null;
  #begun = false;
  #stopped = false;
  #nothingSaved = false;
  #outcome: TrainingOutcome | null = null;
  #verdict: CurveVerdict | null = null;

  constructor(setting: TrainingSetting) {
    this.#setting = setting;
    this.#finetune = setting.spec.finetune;
    this.#held = setting.held;
  }

  /** Null: nothing was trained. */
  get outcome(): TrainingOutcome | null {
    return this.#outcome;
  }

  /** How the curve stood when it was looked at last. */
  get verdict(): CurveVerdict | null {
    return this.#verdict;
  }

  /** Null: not known, or nothing was trained. */
  get spent(): Spent | null {
    const { stepsDone, trainedSeconds }: Partial<TrainingOutcome> = this.#outcome ?? {};
    if (stepsDone === undefined || trainedSeconds === undefined) return this.#spent;
    return spentOf(this.#finetune.launcher, stepsDone, trainedSeconds);
  }

  /** Whether a newer release made it end before its steps were done. */
  get superseded(): boolean {
    return this.#superseded;
  }

  get held(): boolean {
    return this.#held;
  }

  hold(held: boolean): void {
    this.#held = held;
    if (held) this.#interrupt();
  }

  /** How it is looked after from its next attempt on; what it computes stays. */
  supervise(finetune: FinetuneSpec): void {
    const given = SUPERVISION_KEYS.filter((key) => finetune[key] !== undefined);
    this.#finetune = { ...this.#finetune, ...Object.fromEntries(given.map((key) => [key, finetune[key]])) };
  }

  /** Ends it at a checkpoint. Nothing changes where it has not begun, or has no step left to make. */
  supersede(): void {
    if (!this.#begun || this.#outcome !== null || this.#stopped) return;
    this.#superseded = true;
    this.#stop();
  }

  announce(step: number, modelDigest: string, trainedSeconds?: number): void {
    this.#announced.set(step, modelDigest);
    if (trainedSeconds === undefined) return;
    const { budget } = this.#setting.spec;
    this.#spent = spentOf(this.#finetune.launcher, step, trainedSeconds);
    const limit = runSpentUp(this.#spent, budget?.run);
    if (limit !== null) this.#endOverBudget(limit);
  }

  /** Looks at the curve, once there is a training: an evaluation is new, or what the curve is held against. */
  look(): void {
    if (!this.#begun) return;
    const { key, spec, evaluations, target } = this.#setting;
    this.#verdict = judgeCurve(curveOf(evaluations.curve()), {
      budgetSteps: spec.finetune.steps,
      target: target(),
      stop: spec.stop ?? null,
    });
    runMetrics.converged(key, this.#verdict.state);
    if (this.#verdict.stop && this.#outcome === null) this.#stop();
  }

  /** Trains from a model whose evaluation is the curve's step 0. When one of the two fails the other is ended, then it fails. */
  async run(startModel: string): Promise<void> {
    this.#begun = true;
    this.look();
    if (this.#stopped) return; // the start model is all that was wanted
    const scope = new CancellationScope();
    const clock = new CancellationScope();
    const both = [scope.run(() => this.#train(startModel)), scope.run(() => this.#evaluateAsAnnounced())];
    const watched = scope.run(() => clock.run(() => this.#watchClock()));
    try {
      await Promise.all(both);
    } catch (error) {
      scope.cancel();
      await Promise.allSettled([...both, watched]);
      throw error;
    }
    clock.cancel();
    await watched;
  }

  /** Ends the training when its wall time is up; cancelled with the training. */
  async #watchClock(): Promise<void> {
    const wallTime = this.#setting.spec.budget?.run?.wallTime;
    if (wallTime === undefined) return;
    try {
      await sleep(secondsOf(wallTime) * 1000);
    } catch (error) {
      if (isCancellation(error)) return; // the training is over
      throw error;
    }
    this.#endOverBudget(`${wallTime} of wall time`);
  }

  #endOverBudget(limit: string): void {
    if (this.#outcome !== null || this.#stopped) return;
    this.#overBudget = limit;
    this.#stop();
  }

  async #train(startModel: string): Promise<void> {
    while (this.#outcome === null && !this.#nothingSaved) {
      await condition(() => !this.#held);
      const scope = new CancellationScope();
      this.#scope = scope;
      try {
        this.#outcome = await scope.run(() => this.#attempt(startModel));
      } catch (error) {
        const onlyInterrupted = this.#scope !== scope && (isCancellation(error) || isTimeout(error));
        this.#nothingSaved = this.#superseded && isNothingSaved(error);
        if (!onlyInterrupted && !this.#nothingSaved) throw error;
      }
      this.#scope = null;
      this.#failOverBudget();
    }
    for (const { step, modelDigest } of this.#outcome?.checkpoints ?? []) this.announce(step, modelDigest);
  }

  #attempt(startModel: string): Promise<TrainingOutcome> {
    const gpu = gpuOn(this.#finetune.queue);
    const input = { key: this.#setting.key, startModel, finetune: this.#finetune };
    return this.#stopped ? gpu.concludeTraining(input) : gpu.finetuneModel(input);
  }

  #failOverBudget(): void {
    const { key, spec } = this.#setting;
    if (this.#overBudget === null || spec.budget?.run?.then !== 'fail') return;
    const message = `The training of ${key.arm} at ${key.release} has spent its budget: ${this.#overBudget}; raise \`budget.run\`, apply it and retry the release: it goes on from its checkpoint.`;
    throw ApplicationFailure.nonRetryable(message, 'BUDGET_SPENT');
  }

  /** Ends once the training is over and everything it announced is evaluated. Held, it begins no other evaluation. */
  async #evaluateAsAnnounced(): Promise<void> {
    for (;;) {
      await condition(() => (!this.#held && this.#unevaluated() !== null) || this.#isAllEvaluated());
      const next = this.#unevaluated();
      if (next === null) return;
      if (this.#spent !== null) await this.#setting.onSpent(this.#spent);
      await this.#setting.evaluations.evaluate(next.step, next.modelDigest);
      this.look();
    }
  }

  #stop(): void {
    this.#stopped = true;
    this.#interrupt();
  }

  #interrupt(): void {
    this.#scope?.cancel();
    this.#scope = null;
  }

  #unevaluated(): { readonly step: number; readonly modelDigest: string } | null {
    const announced = [...this.#announced].sort(([left], [right]) => left - right);
    const next = announced.find(([step, modelDigest]) => !this.#setting.evaluations.has(step, modelDigest));
    return next === undefined ? null : { step: next[0], modelDigest: next[1] };
  }

  #isAllEvaluated(): boolean {
    if (this.#nothingSaved) return true;
    const checkpoints = this.#outcome?.checkpoints;
    return checkpoints?.every(({ step, modelDigest }) => this.#setting.evaluations.has(step, modelDigest)) ?? false;
  }
}

function isNothingSaved(error: unknown): boolean {
  const cause = error instanceof ActivityFailure ? error.cause : undefined;
  return cause instanceof ApplicationFailure && cause.type === 'TRAINING_NOTHING_SAVED';
}

/** How an activity that was told to stop ends when its worker is lost before it could say that it had. */
function isTimeout(error: unknown): boolean {
  return error instanceof ActivityFailure && error.cause instanceof TimeoutFailure;
}
