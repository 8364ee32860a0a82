import type { LineageSpec } from '../../contracts/lineage-spec.schema.ts';
import type { RunKey } from '../../contracts/run.ts';
import type { EvaluatedStep, SuiteScore } from '../../contracts/run-record.schema.ts';
import { evaluation } from '../activities.ts';

/** What a run has measured: the curve of its own training, and models beside it that decisions need. */
export class Evaluations {
  readonly #key: RunKey;
  readonly #suites: LineageSpec['evaluate'];
  readonly #steps = new Map<number, EvaluatedStep>();
  /** By digest. */
  readonly #aside = new Map<string, EvaluatedStep>();

  constructor(key: RunKey, suites: LineageSpec['evaluate']) {
    this.#key = key;
    this.#suites = suites;
  }

  /** Evaluates a point of the curve; step 0 is the start model. The same step again replaces what was there. */
  async evaluate(step: number, modelDigest: string): Promise<void> {
    this.#steps.set(step, await this.#score(step, modelDigest, {}));
  }

  /** Evaluates a model that is no point of the curve (yet), once. */
  async measure(modelDigest: string): Promise<EvaluatedStep> {
    const measured = this.#aside.get(modelDigest) ?? (await this.#score(0, modelDigest, { aside: true }));
    this.#aside.set(modelDigest, measured);
    return measured;
  }

  /** Takes a model that was measured as the curve's beginning. */
  begin(measured: EvaluatedStep): void {
    this.#steps.set(0, { ...measured, step: 0 });
  }

  has(step: number, modelDigest: string): boolean {
    return this.#steps.get(step)?.modelDigest === modelDigest;
  }

  /** Ascending by step. */
  curve(): EvaluatedStep[] {
    return [...this.#steps.values()].sort((left, right) => left.step - right.step);
  }

  async #score(step: number, modelDigest: string, how: { readonly aside?: true }): Promise<EvaluatedStep> {
    const suites: SuiteScore[] = [];
    for (const suite of this.#suites) {
      suites.push(await evaluation.evaluateModel({ key: this.#key, step, modelDigest, suite, ...how }));
    }
    return { step, modelDigest, suites };
  }
}
