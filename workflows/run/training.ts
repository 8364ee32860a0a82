import { ActivityFailure, CancellationScope, condition, isCancellation, TimeoutFailure } from '@temporalio/workflow';
import type { CurveVerdict, TargetReference } from '../../contracts/curve.schema.ts';
import type { LineageSpec } from '../../contracts/lineage-spec.schema.ts';
import type { RunKey } from '../../contracts/run.ts';
import type { TrainingOutcome } from '../../contracts/run-record.schema.ts';
import { judgeCurve } from '../../policy/curve/judge-curve.ts';
import { curveOf } from '../../policy/curve/curve-of.ts';
import { gpu } from '../activities.ts';
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
}

/**
 * A run's training with the evaluation of its checkpoints beside it: the one never waits for the other. Held, it saves and
 * ends; let go, it resumes. It ends early when its curve says so and the spec lets it.
 */
export class Training {
  readonly #setting: TrainingSetting;
  readonly #announced = new Map<number, string>();
  #held: boolean;
  /** The running training's scope; null while none runs, and once a hold or the curve has cancelled it. */
  #scope: CancellationScope | null = null;
  #begun = false;
  #stopped = false;
  #outcome: TrainingOutcome | null = null;
  #verdict: CurveVerdict | null = null;

  constructor(setting: TrainingSetting) {
    this.#setting = setting;
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

  get held(): boolean {
    return this.#held;
  }

  hold(held: boolean): void {
    this.#held = held;
    if (held) this.#interrupt();
  }

  announce(step: number, modelDigest: string): void {
    this.#announced.set(step, modelDigest);
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
    if (!this.#verdict.stop || this.#outcome !== null) return;
    this.#stopped = true;
    this.#interrupt();
  }

  /** Trains from a model whose evaluation is the curve's step 0. When one of the two fails the other is ended, then it fails. */
  async run(startModel: string): Promise<void> {
    this.#begun = true;
    this.look();
    if (this.#stopped) return; // the start model is all that was wanted
    const scope = new CancellationScope();
    const both = [scope.run(() => this.#train(startModel)), scope.run(() => this.#evaluateAsAnnounced())];
    try {
      await Promise.all(both);
    } catch (error) {
      scope.cancel();
      await Promise.allSettled(both);
      throw error;
    }
  }

  async #train(startModel: string): Promise<void> {
    const { key, spec } = this.#setting;
    const input = { key, startModel, finetune: spec.finetune };
    while (this.#outcome === null) {
      await condition(() => !this.#held);
      const scope = new CancellationScope();
      this.#scope = scope;
      try {
        this.#outcome = await scope.run(() => (this.#stopped ? gpu.concludeTraining(input) : gpu.finetuneModel(input)));
      } catch (error) {
        const onlyInterrupted = this.#scope !== scope && (isCancellation(error) || isTimeout(error));
        if (!onlyInterrupted) throw error;
      }
      this.#scope = null;
    }
    for (const { step, modelDigest } of this.#outcome.checkpoints) this.announce(step, modelDigest);
  }

  /** Ends once the training is over and everything it announced is evaluated. Held, it begins no other evaluation. */
  async #evaluateAsAnnounced(): Promise<void> {
    for (;;) {
      await condition(() => (!this.#held && this.#unevaluated() !== null) || this.#isAllEvaluated());
      const next = this.#unevaluated();
      if (next === null) return;
      await this.#setting.evaluations.evaluate(next.step, next.modelDigest);
      this.look();
    }
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
    const checkpoints = this.#outcome?.checkpoints;
    return checkpoints?.every(({ step, modelDigest }) => this.#setting.evaluations.has(step, modelDigest)) ?? false;
  }
}

/** How an activity that was told to stop ends when its worker is lost before it could say that it had. */
function isTimeout(error: unknown): boolean {
  return error instanceof ActivityFailure && error.cause instanceof TimeoutFailure;
}
