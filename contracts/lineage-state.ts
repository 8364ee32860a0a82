import type { DeltaSource } from './delta-source.ts';
import type { ApprovalDecision } from './gate.schema.ts';
import type { Arm, LineageSpec } from './lineage-spec.schema.ts';
import type { Release } from './release.ts';
import type { PublishedModel, RunResult, RunStage, Spent } from './run.ts';

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

/** One key that differs between two specs, and from when on the change counts. */
export interface SpecChange {
  /** E.g. `finetune.steps`. */
  readonly path: string;
  /** Null: not there. */
  readonly from: unknown;
  readonly to: unknown;
  readonly applies: 'now' | 'next attempt' | 'next release';
}

/** What applying a spec led to. */
export type Applied = 'created' | 'changed' | 'unchanged';

export interface Failure {
  readonly code: string;
  readonly message: string;
}

/** `superseded`: a newer release made it end early; it has a result where it had trained by then. */
export type ArmStatus = 'waiting' | 'running' | 'shared' | 'succeeded' | 'superseded' | 'failed' | 'cancelled';

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
  /** What its training has taken by now, as far as it is known. */
  readonly spent?: Spent;
  /** What a person decided about its candidate. */
  readonly approval?: ApprovalDecision;
}

/** `skipped`: the backlog policy or a budget passed it over. */
export type ReleaseStatus = 'waiting' | 'running' | 'succeeded' | 'superseded' | 'failed' | 'cancelled' | 'skipped';

/** One release in the life of a lineage. Of one long past only what it was is kept; what its arms did is in its record. */
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
  /** Somebody asked for this very one: no backlog policy passes it over. */
  readonly wanted?: true;
  /** It was cancelled while it ran, and is ending. */
  readonly cancelling?: true;
  /** Why it was skipped. */
  readonly note?: string;
}

/** A release that runs start from the base again, whatever Δ there is from before. */
export interface Restart {
  /** Null: the next one to start. */
  readonly release: string | null;
  readonly order: LogEntry;
}

/** A Δ of the lineage added to a base that is not the next release: an older one (backport), or any compatible base. */
export interface TransferState {
  /** Its run is called so: `M2+ΔM5`. */
  readonly label: string;
  readonly onto: Release;
  readonly source: DeltaSource;
  /** Fine-tuned after the merge. */
  readonly trains: boolean;
  readonly status: 'running' | 'succeeded' | 'failed' | 'cancelled';
  readonly result: RunResult | null;
  readonly failure: Failure | null;
  readonly order: LogEntry;
}

/** The whole state of a lineage: what continue-as-new carries and what the query answers. Plain JSON, versioned. */
export interface LineageState {
  readonly v: 1;
  readonly spec: LineageSpec;
  readonly paused: LogEntry | null;
  /** In family order. */
  readonly releases: readonly ReleaseState[];
  readonly published: PublishedModel | null;
  /** The newest entries only; all of them are in the releases' records. */
  readonly log: readonly LogEntry[];
  /** Entries of the log, newest last, that are in no record yet. */
  readonly unrecorded?: number;
  /** What went live, newest last, as far as one may roll back to it. */
  readonly publications?: readonly PublishedModel[];
  readonly restart?: Restart;
  /** Newest last; the last twenty. */
  readonly transfers?: readonly TransferState[];
  /** What all runs together have taken. */
  readonly spent?: Spent;
  /** Whether starting from the base again would pay, in a sentence; absent: no sign of it. */
  readonly advice?: string;
}

/** Input of the lineage workflow: a spec to begin with, or the state that continue-as-new carries. */
export interface LineageInput {
  readonly spec: LineageSpec;
  readonly carried?: LineageState;
}
