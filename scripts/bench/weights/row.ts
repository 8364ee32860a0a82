import type { CaseId } from './case-ids.ts';

/** One case as it was measured; the rows of `--json` are these. */
export interface BenchRow {
  readonly case: CaseId;
  readonly tool: string;
  /** One for each run, in order. Of the plan cases: inside the process, the start of Node not counted. */
  readonly wallSeconds: readonly number[];
  /** The largest of all runs; see measure_process.py for what is counted. */
  readonly peakBytes: number;
  /** The most of all runs, among all values of the output; null where the case computes none. */
  readonly valuesOff: number | null;
}
