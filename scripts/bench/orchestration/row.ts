import type { OrchestrationCaseId } from './case-ids.ts';

/** What Temporal keeps of a workflow. */
export interface Weight {
  readonly events: number;
  readonly bytes: number;
}

/** What a run or a release leaves; medians over all that were measured. */
export interface HistoryWeights {
  /** Of a run of the production arm. */
  readonly run: Weight & { readonly activities: number };
  /** What one release adds to its lineage's own history. */
  readonly lineage: Weight;
  /** Of a release: its runs and what it adds to its lineage. */
  readonly release: Weight;
}

/** What the server and the worker took. Processor time is that of the releases alone, peaks are from their start on. */
export interface Footprint {
  readonly serverCpuSeconds: number;
  readonly workerCpuSeconds: number;
  readonly serverPeakBytes: number;
  readonly workerPeakBytes: number;
  readonly databaseBytes: number;
}

/** One case as it was measured; the rows of `--json` are these. */
export interface OrchestrationRow extends HistoryWeights, Footprint {
  readonly case: OrchestrationCaseId;
  readonly arms: readonly string[];
  readonly lineages: number;
  /** From the order to observe a release until its lineage had concluded it; one for each release, in order. */
  readonly seconds: readonly number[];
  /** From the first order until all were concluded; null where the next release waited for the one before. */
  readonly totalSeconds: number | null;
  /** What it took until every lineage was declared and its watch had looked for the first time. */
  readonly applySeconds: number;
  /** Requests that had no answer within thirty seconds, and were made again. */
  readonly unanswered: number;
  /** A sentence for each release that was not live in the end. */
  readonly failures: readonly string[];
}
