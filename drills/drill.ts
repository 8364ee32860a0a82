import type { FinetuneSpec } from '../contracts/lineage-spec.schema.ts';
import type { Continuity } from '../contracts/training-ledger.schema.ts';
import type { DrillPlace } from './lab/drill-place.ts';
import type { Measured } from './lab/measure.ts';
import type { ReferenceRun } from './lab/reference-run.ts';

/** What a run must come to although something broke. The final weights are always those of an undisturbed run. */
export interface DrillPromise {
  /** Steps that may have to be trained again, in checkpoint intervals. */
  readonly stepsLost: 0 | 'one interval' | 'two intervals';
  /** What the record may say about replayed steps; `verified` where the dead attempt's log is at hand. */
  readonly continuity: readonly Continuity['verdict'][];
}

/** One fault, made on purpose in a run with a real trainer, real workers and a real Temporal server. */
export interface Drill {
  readonly fault: string;
  /** What is done, as a sentence without its full stop. */
  readonly summary: string;
  readonly promise: DrillPromise;
  /** Keys of its fine-tune that differ from the reference's; one that changes what is computed needs a reference of its own. */
  readonly finetune?: Partial<FinetuneSpec>;
  /**
   * Breaks something in a fresh place, lets the run come to its end, and measures it.
   * @throws RegraftError DRILL_PROMISE_BROKEN for what only this fault can break, DRILL_TIMED_OUT
   */
  run(place: DrillPlace, reference: ReferenceRun): Promise<Measured>;
}

/** A drill's line in the table. Without measurements the run did not come to its end. */
export interface DrillRow {
  readonly fault: string;
  readonly stepsLost: number | null;
  readonly secondsToTraining: number | null;
  readonly continuity: Continuity['verdict'] | null;
  readonly curveEqual: boolean | null;
  readonly finalDigestEqual: boolean | null;
  /** Promises that were broken, as sentences; empty: all was kept. */
  readonly broken: readonly string[];
}
