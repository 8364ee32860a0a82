import type { InferenceCaseId } from './case-ids.ts';

/** What computed: ours with weights in place, ours with weights copied for speed, transformers. */
export type InferenceTool = 'regraft' | 'regraft-prepacked' | 'transformers';

/** One case of one tool as it was measured; the rows of `--json` are these. */
export interface InferenceRow {
  readonly case: InferenceCaseId;
  readonly tool: InferenceTool;
  readonly model: string;
  readonly threads: number;
  /** One for each run, in order. */
  readonly seconds: readonly number[];
  /** What opening the model added to the resident memory, before the first token; the median of all runs. */
  readonly memoryBytes: number;
  /** The largest resident memory of the whole process, all cases; the most of all runs. */
  readonly peakBytes: number;
}
