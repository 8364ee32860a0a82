import type { ConnectivitySummary } from './connectivity.schema.ts';
import type { CurveVerdict } from './curve.schema.ts';
import type { DeltaSource } from './delta-source.ts';
import type { ApprovalDecision } from './gate.schema.ts';
import type { Arm, LineageSpec } from './lineage-spec.schema.ts';
import type { Release } from './release.ts';
import type { SuiteScore, TrainingOutcome } from './run-record.schema.ts';

/** What is live, and how it scored when it was judged. */
export interface PublishedModel {
  readonly release: string;
  readonly candidateDigest: string;
  readonly suites: readonly SuiteScore[];
}

/** The newest success of the production arm before a release. */
export interface PreviousRun {
  readonly release: string;
  readonly recordDigest: string;
  readonly final: RunPoint;
}

/** How an arm that runs beside another ended: null when it did not succeed. */
export interface SiblingEnd {
  readonly arm: Arm;
  readonly result: { readonly recordDigest: string; readonly final: RunPoint } | null;
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
  /** Null: no release before. Inputs of before these two were kept lack them. */
  readonly previous?: PreviousRun | null;
  /** A plain arm of its own work runs beside this one, which is told of its end. */
  readonly besidePlain?: boolean;
  readonly paused: boolean;
  /** Why the candidate is not to go live whatever the gate says, in a sentence: something newer is live. */
  readonly withheld?: string;
}

/** What the lineage keeps of a finished run; the whole is in the record. */
export interface RunResult {
  readonly recordDigest: string;
  readonly startModelDigest: string;
  readonly candidateDigest: string;
  /** The Δ that the next release may start from. */
  readonly deltaDigest: string;
  readonly best: RunPoint;
  readonly final: RunPoint;
  /** Fine-tuning steps inside the new Δ: the source's and the candidate's own. */
  readonly stepsInDelta: number;
  /** Set when the candidate passed its gate and went live. */
  readonly published: PublishedModel | null;
  readonly gateSentence: string | null;
  /** How the training went; absent in results from before it was kept. */
  readonly training?: (Pick<TrainingOutcome, 'stepsLost' | 'continuity'> & { readonly attempts: number }) | null;
  /** Set where this run left no Δ of its own: the one that it started from, handed on. */
  readonly handsOn?: DeltaSource;
  /** What `auto` decided, in a sentence. */
  readonly choice?: string;
  readonly convergence?: Pick<CurveVerdict, 'state' | 'reason' | 'stepsSaved'>;
  readonly connectivity?: ConnectivitySummary;
  /** L2 norm of its Δ; absent where it left none of its own. */
  readonly deltaNorm?: number;
  /** Set where a newer release made it end early: its Δ is carried, its candidate was not judged or not let go live. */
  readonly superseded?: true;
  readonly approval?: ApprovalDecision;
  /** Why it did not go live although it passed. */
  readonly withheld?: string;
  readonly spent?: Spent;
}

/** What a training took. */
export interface Spent {
  readonly steps: number;
  /** Seconds in which a trainer was launched, all attempts together. */
  readonly trainedSeconds: number;
  readonly gpuSeconds: number;
}

/** One point of the target suite's curve. */
export interface RunPoint {
  readonly step: number;
  readonly score: number;
  /** Null where the harness does not say. */
  readonly lossNats: number | null;
}

/**
 * Stages of a run, in order. `recycle`, `probe` and `decide` need a source, `probe` a spec that asks for it, `decide` the
 * strategy `auto`; `gate`, `approval` (where the spec asks for it) and `publish` are production's.
 */
export const RUN_STAGES = [
  'inspect',
  'recycle',
  'baseline',
  'probe',
  'decide',
  'finetune',
  'difference',
  'gate',
  'approval',
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
