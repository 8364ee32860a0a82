import type { ArmState, LogEntry } from '../contracts/lineage-state.ts';
import type { Release } from '../contracts/release.ts';
import type { PreviousRun, RunKey } from '../contracts/run.ts';
import {
  releaseRecordSchema,
  runRecordSchema,
  type ArmSummary,
  type ReleaseRecord,
  type RunRecord,
} from '../contracts/run-record.schema.ts';
import { LABELS } from '../metrics/labels.ts';
import type { Metrics } from '../metrics/registry.ts';
import { summarizeRelease, type ArmWithRecord } from '../policy/summarize-release.ts';
import { resultOf } from '../policy/arm-result.ts';
import type { ArtifactStore } from './ports.ts';
import { atRim, stageAtRim } from './rim.ts';

export interface RecordDeps {
  readonly store: ArtifactStore;
  readonly metrics: Metrics;
  readonly regraftVersion: string;
}

export interface RecordRunInput {
  readonly key: RunKey;
  readonly record: Omit<RunRecord, 'schema' | 'regraftVersion'>;
}

export interface ConcludeInput {
  readonly lineage: string;
  readonly release: Release;
  readonly arms: readonly ArmState[];
  /** The newest success before it; absent from inputs of before it was kept. */
  readonly previous?: PreviousRun | null;
  readonly observedAt: string;
  /** Workflow time: part of the record, so that a second run keeps the same one. */
  readonly concludedAt: string;
  /** How it ends; inputs of before these two were kept lack them. */
  readonly status?: ReleaseRecord['status'];
  /** What was ordered since the release before was concluded, oldest first. */
  readonly orders?: readonly LogEntry[];
}

/** Writing down what happened, on the `io` queue. */

export function createRecordActivities(deps: RecordDeps) {
  return {
    recordRun: stageAtRim(deps.metrics, 'record', (input: RecordRunInput) => recordRun(deps, input)),
    concludeRelease: atRim((input: ConcludeInput) => concludeRelease(deps, input)),
  };
}

/** Keeps a run's record; returns its digest. Run twice it keeps the same one. */
async function recordRun(deps: RecordDeps, input: RecordRunInput): Promise<{ readonly recordDigest: string }> {
  const record = runRecordSchema.parse({
    schema: 'regraft.run/1',
    ...input.record,
    regraftVersion: deps.regraftVersion,
  });
  deps.metrics.bestScore.set(input.key, record.best.suites[0]?.score ?? 0);
  deps.metrics.earlyStopStepsSaved.set(input.key, record.convergence?.stepsSaved ?? 0);
  return { recordDigest: await deps.store.putRecord(record) };
}

/**
 * Compares the arms of a release that succeeded, keeps the release record with what was ordered, and shows its numbers. Run
 * twice, it keeps the same record.
 */
async function concludeRelease(deps: RecordDeps, input: ConcludeInput): Promise<{ readonly recordDigest: string }> {
  const { store, metrics } = deps;
  const { lineage, release, concludedAt } = input;
  metrics.touch({ lineage, release: release.name });
  countRuns(metrics, input);
  const lagMs = Date.parse(concludedAt) - Date.parse(input.observedAt);
  metrics.releaseLagSeconds.set({ lineage, release: release.name }, lagMs / 1000);

  const previous = await readPrevious(store, input.previous ?? null);
  const arms = summarizeRelease(await readRecords(store, input.arms), previous);
  showStepsToTarget(metrics, input, arms);
  const record = releaseRecordSchema.parse({
    schema: 'regraft.release/1',
    lineage,
    release: { name: release.name, digest: release.digest },
    ...(input.status !== undefined && { status: input.status }),
    arms,
    orders: [...(input.orders ?? [])],
    concludedAt,
  });
  return { recordDigest: await store.putRecord(record) };
}

function countRuns(metrics: Metrics, { lineage, arms }: ConcludeInput): void {
  for (const { arm, status } of arms) {
    const outcome = LABELS.outcome.find((one) => one === status);
    if (outcome !== undefined) metrics.runs.increment({ lineage, arm, outcome });
  }
}

function showStepsToTarget(metrics: Metrics, { lineage, release }: ConcludeInput, arms: readonly ArmSummary[]): void {
  for (const { arm, target } of arms) {
    if (target === null || target.steps === null) continue;
    const { reference, steps } = target;
    const labels = { lineage, release: release.name, arm, against: reference.kind };
    metrics.stepsToTarget.set(labels, steps);
    const theirs = reference.kind === 'declared' ? null : reference.steps;
    if (theirs !== null && steps > 0) metrics.stepsSavedRatio.set(labels, theirs / steps);
  }
}

async function readPrevious(store: ArtifactStore, previous: PreviousRun | null): Promise<RunRecord | null> {
  return previous === null ? null : runRecordSchema.parse(await store.getRecord(previous.recordDigest));
}

async function readRecords(store: ArtifactStore, arms: readonly ArmState[]): Promise<readonly ArmWithRecord[]> {
  const found: ArmWithRecord[] = [];
  for (const arm of arms) {
    const result = resultOf(arm.arm, arms);
    if (result === null) continue;
    const record = runRecordSchema.parse(await store.getRecord(result.recordDigest));
    found.push({ arm, recordDigest: result.recordDigest, record });
  }
  return found;
}
