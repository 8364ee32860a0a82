import type { DeltaSource } from './delta-source.ts';
import type { Arm, LineageSpec } from './lineage-spec.schema.ts';
import type { Release } from './release.ts';
import type { SuiteScore, TrainingOutcome } from './run-record.schema.ts';

/** What is live, and how it scored when it was judged. */
export interface PublishedModel {
  readonly release: string;
  readonly candidateDigest: string;
  readonly suites: readonly SuiteScore[];
}

/** Input of one run: one arm of one lineage at one release. */
export interface RunInput {
  readonly v: 1;
  readonly lineage: string;
  readonly release: Release;
  readonly arm: Arm;
  /** Only the production arm is gated and published. */
  readonly production: boolean;
  /** Null: train from the base itself. */
  readonly source: DeltaSource | null;
  readonly spec: LineageSpec;
  /** What the gate compares with; null while nothing is published. */
  readonly published: PublishedModel | null;
  readonly paused: boolean;
}

/** What the lineage keeps of a finished run; the whole is in the record. */
export interface RunResult {
  readonly recordDigest: string;
  readonly startModelDigest: string;
  readonly candidateDigest: string;
  readonly deltaDigest: string;
  readonly best: RunPoint;
  readonly final: RunPoint;
  /** Fine-tuning steps inside the new Δ: the source's and the candidate's own. */
  readonly stepsInDelta: number;
  /** Set when the candidate passed its gate and went live. */
  readonly published: PublishedModel | null;
  readonly gateSentence: string | null;
  /** How the training went; absent in results from before it was kept. */
  readonly training?: Pick<TrainingOutcome, 'stepsLost' | 'continuity'> & { readonly attempts: number };
}

/** One point of the target suite's curve. */
export interface RunPoint {
  readonly step: number;
  readonly score: number;
  readonly lossNats: number;
}

/** Stages of a run, in order; `recycle` is skipped without a source, `gate` and `publish` outside production. */
export const RUN_STAGES = [
  'inspect',
  'recycle',
  'baseline',
  'finetune',
  'difference',
  'gate',
  'publish',
  'record',
] as const;
export type RunStage = (typeof RUN_STAGES)[number];

/** Names one run's training, its folder and its metrics. */
export interface RunKey {
  readonly lineage: string;
  readonly release: string;
  readonly arm: Arm;
}
