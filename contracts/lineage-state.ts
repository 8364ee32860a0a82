import type { DeltaSource } from './delta-source.ts';
import type { Arm, LineageSpec } from './lineage-spec.schema.ts';
import type { Release } from './release.ts';
import type { PublishedModel, RunResult, RunStage } from './run.ts';

/** Who asked for something, and why: part of the record of every message. */
export interface Order {
  readonly actor: string;
  readonly reason: string;
}

/** An order or decision that was carried out, newest last. */
export interface LogEntry extends Order {
  readonly at: string;
  readonly what: string;
}

/** What applying a spec led to. */
export type Applied = 'created' | 'changed' | 'unchanged';

export interface Failure {
  readonly code: string;
  readonly message: string;
}

export type ArmStatus = 'waiting' | 'running' | 'shared' | 'succeeded' | 'failed' | 'cancelled';

/** One arm at one release. */
export interface ArmState {
  readonly arm: Arm;
  readonly status: ArmStatus;
  /** Set with status `shared`: that arm starts from the same model and does the work for both. */
  readonly sharedWith: Arm | null;
  readonly source: DeltaSource | null;
  /** Why this source: one sentence. */
  readonly sourceReason: string;
  readonly stage: RunStage | null;
  readonly result: RunResult | null;
  readonly failure: Failure | null;
}

export type ReleaseStatus = 'waiting' | 'running' | 'succeeded' | 'failed' | 'cancelled';

/** One release in the life of a lineage. */
export interface ReleaseState {
  readonly release: Release;
  readonly status: ReleaseStatus;
  readonly arms: readonly ArmState[];
  /** Digest of the release record once concluded. */
  readonly recordDigest: string | null;
  readonly observedAt: string;
  readonly concludedAt: string | null;
  /** How often it was retried: part of nothing but the story. */
  readonly retries: number;
}

/** The whole state of a lineage: what continue-as-new carries and what the query answers. Plain JSON, versioned. */
export interface LineageState {
  readonly v: 1;
  readonly spec: LineageSpec;
  readonly paused: LogEntry | null;
  /** In family order. */
  readonly releases: readonly ReleaseState[];
  readonly published: PublishedModel | null;
  /** The newest entries only. */
  readonly log: readonly LogEntry[];
}

/** Input of the lineage workflow: a spec to begin with, or the state that continue-as-new carries. */
export interface LineageInput {
  readonly spec: LineageSpec;
  readonly carried?: LineageState;
}
