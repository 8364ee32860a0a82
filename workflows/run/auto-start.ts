import { ActivityFailure, ApplicationFailure } from '@temporalio/workflow';
import type { ForbiddenReason, MeasuredLevel, MeasuredMerge, StartChoice } from '../../contracts/choice.schema.ts';
import type { DeltaSource } from '../../contracts/delta-source.ts';
import type { RunInput, RunKey } from '../../contracts/run.ts';
import type { GateDecision } from '../../contracts/gate.schema.ts';
import type { EvaluatedStep, SuiteScore } from '../../contracts/run-record.schema.ts';
import { chooseStart } from '../../policy/choose-start.ts';
import { cpu } from '../activities.ts';
import { earlier } from './earlier.ts';
import type { Evaluations } from './evaluations.ts';

/** A merge that was tried, with its evaluation where there is one. */
interface TriedMerge {
  readonly scale: number;
  readonly modelDigest: string | null;
  readonly forbidden: ForbiddenReason | null;
  readonly measured: EvaluatedStep | null;
}

/** What keeps a merge from being a start, by the code that says so. */
const FORBIDDEN: Readonly<Record<string, ForbiddenReason>> = {
  INSPECT_INCOMPATIBLE: 'failed compatibility check',
  WEIGHTS_INCOMPATIBLE: 'failed compatibility check',
  WEIGHTS_NON_FINITE: 'non-finite weights',
  WEIGHTS_WRONG_BASE: 'wrong base',
};

/** Gathers what `auto` decides from: the base, the merges with each λ, the old fine-tune, what is live. */
export class AutoStart {
  readonly #input: RunInput;
  readonly #key: RunKey;
  readonly #source: DeltaSource;
  readonly #evaluations: Evaluations;
  readonly #merges: TriedMerge[] = [];
  #incompatible = false;
  #tuned: string | null = null;
  #base: EvaluatedStep | null = null;
  #old: EvaluatedStep | null = null;

  constructor(input: RunInput, key: RunKey, source: DeltaSource, evaluations: Evaluations) {
    this.#input = input;
    this.#key = key;
    this.#source = source;
    this.#evaluations = evaluations;
  }

  /** A Δ that does not fit leaves the base to train from. */
  async inspect(): Promise<void> {
    const { release } = this.#input;
    const found = await orForbidden(() => cpu.inspectRelease({ key: this.#key, release, source: this.#source }));
    if (found.forbidden === null) this.#tuned = found.value.tunedDigest ?? null;
    else this.#incompatible = true;
  }

  /** A merge for each λ. */
  async recycle(): Promise<void> {
    const { release, spec } = this.#input;
    for (const scale of spec.auto.scales) {
      const input = { key: this.#key, target: release.digest, delta: this.#source.deltaDigest, scale };
      const made = this.#incompatible
        ? ({ forbidden: 'failed compatibility check' } as const)
        : await orForbidden(() => cpu.recycleModel(input));
      const modelDigest = made.forbidden === null ? made.value.modelDigest : null;
      this.#merges.push({ scale, modelDigest, forbidden: made.forbidden, measured: null });
    }
  }

  async measure(): Promise<void> {
    this.#base = await this.#evaluations.measure(this.#input.release.digest);
    for (const [index, merge] of this.#merges.entries()) {
      if (merge.modelDigest === null) continue;
      this.#merges[index] = { ...merge, measured: await this.#evaluations.measure(merge.modelDigest) };
    }
    if (this.#tuned !== null) this.#old = await this.#evaluations.measure(this.#tuned);
  }

  /** The merge that stands for all when one is to be looked at; null: none can be made. */
  merged(): string | null {
    return this.#merges.find(({ modelDigest }) => modelDigest !== null)?.modelDigest ?? null;
  }

  /** What to do, and the model that it begins with. `judge` says whether a merge passes the gate as it stands. */
  async decide(
    judge: (candidate: EvaluatedStep) => Promise<GateDecision>,
  ): Promise<{ readonly choice: StartChoice; readonly start: EvaluatedStep }> {
    const { release, published, spec } = this.#input;
    const base = earlier(this.#base);
    const merges: MeasuredMerge[] = [];
    for (const { scale, modelDigest, forbidden, measured } of this.#merges) {
      const gate = measured === null ? null : (await judge(measured)).decision;
      merges.push({ scale, modelDigest, forbidden, level: measured === null ? null : levelOf(measured), gate });
    }
    const choice = chooseStart(
      {
        base: { release: release.name, modelDigest: base.modelDigest, level: levelOf(base) },
        merges,
        published: published === null ? null : { release: published.release, level: levelOf(published) },
        oldFinetune: this.#old === null ? null : { release: this.#source.fromRelease, level: levelOf(this.#old) },
      },
      spec.auto,
    );
    const digest = choice.kind === 'skip' ? base.modelDigest : choice.modelDigest;
    const start = [base, ...this.#merges.map(({ measured }) => measured)].find(
      (model) => model?.modelDigest === digest,
    );
    return { choice, start: earlier(start ?? null) };
  }
}

/** Does something that the Δ may not be fit for; any other failure is one. */
async function orForbidden<Value>(
  work: () => Promise<Value>,
): Promise<{ readonly forbidden: null; readonly value: Value } | { readonly forbidden: ForbiddenReason }> {
  try {
    return { forbidden: null, value: await work() };
  } catch (error) {
    const cause = error instanceof ActivityFailure ? error.cause : undefined;
    const code = cause instanceof ApplicationFailure ? (cause.type ?? '') : '';
    const forbidden = FORBIDDEN[code];
    if (forbidden === undefined) throw error;
    return { forbidden };
  }
}

function levelOf({ suites }: { readonly suites: readonly SuiteScore[] }): MeasuredLevel {
  const target = earlier(suites[0] ?? null);
  return { score: target.score, samples: target.samples, standardError: target.standardError };
}
