import { setImmediate } from 'node:timers/promises';
import { z } from 'zod';
import type { LineageSpec } from '../contracts/lineage-spec.schema.ts';
import type { PublishedModel, RunKey } from '../contracts/run.ts';
import { evaluationRecordSchema } from '../contracts/evaluation.schema.ts';
import type {
  GateDecision,
  GateEvaluation,
  GateSpec,
  GateModel,
  GateReference,
  ReferenceKind,
} from '../contracts/gate.schema.ts';
import {
  runRecordSchema,
  type EvaluatedStep,
  type Publication,
  type SuiteScore,
} from '../contracts/run-record.schema.ts';
import type { Metrics } from '../metrics/registry.ts';
import { RegraftError } from '../contracts/error.ts';
import { judgeGateInSteps } from '../policy/gate/judge-gate.ts';
import { modelCard, type CardFacts } from '../policy/model-card.ts';
import type { ArtifactStore, Clock, Publisher } from './ports.ts';
import { atRim, stageAtRim } from './rim.ts';

export interface PublishDeps {
  readonly store: ArtifactStore;
  readonly publisher: Publisher;
  readonly clock: Clock;
  readonly metrics: Metrics;
}

/** A model to compare with: by its scores, or by the record of the run whose best it is. */
export type JudgeReference =
  | {
      readonly kind: Exclude<ReferenceKind, 'plain' | 'previous'>;
      readonly release: string;
      readonly modelDigest: string;
      readonly suites: readonly SuiteScore[];
    }
  | { readonly kind: Extract<ReferenceKind, 'plain' | 'previous'>; readonly recordDigest: string };

export interface JudgeInput {
  readonly key: RunKey;
  readonly candidate: EvaluatedStep;
  readonly references: readonly JudgeReference[];
  readonly gate: GateSpec | null;
  /** Only to see what it would say: it is not counted as a decision. */
  readonly trial: boolean;
}

export interface PublishInput extends CardFacts {
  /** What the gate compared with. */
  readonly published: PublishedModel | null;
  readonly targets: LineageSpec['publish'];
}

export interface RollbackInput {
  readonly lineage: string;
  /** What is live. */
  readonly from: PublishedModel;
  readonly to: PublishedModel;
  readonly targets: LineageSpec['publish'];
  readonly actor: string;
  readonly reason: string;
  /** Workflow time: part of the record, so that a second run keeps the same one. */
  readonly at: string;
}

const rollbackSchema = z.looseObject({ at: z.iso.datetime() });

/** Judging, going live and going back, on the `io` queue. */

export function createPublishActivities(deps: PublishDeps) {
  return {
    judgeCandidate: stageAtRim(deps.metrics, 'gate', (input: JudgeInput) => judgeCandidate(deps, input)),
    publishModel: stageAtRim(deps.metrics, 'publish', (input: PublishInput) => publishModel(deps, input)),
    rollBack: atRim((input: RollbackInput) => rollBack(deps, input)),
  };
}

/**
 * Makes an earlier model live again: in every target in turn, then the lineage's `published` ref, beside a record of who
 * asked and why. What is live already is left as it is, so running twice changes nothing, and counts once.
 * @throws RegraftError ROLLBACK_CONFLICT when something else went live meanwhile; PUBLISH_VERIFY_FAILED
 */
async function rollBack(deps: PublishDeps, input: RollbackInput): Promise<{ readonly recordDigest: string }> {
  const { store, publisher, metrics } = deps;
  const { lineage } = input;
  const [from, to] = [input.from.candidateDigest, input.to.candidateDigest];
  const change = { lineage, from, to, conflict: (live: string | null) => rollbackConflict(input, live) };
  await assertMovable(store, change);
  const [modelFolder, manifest] = await Promise.all([store.materialize(to), store.manifest(to)]);
  for (const { folder: target } of input.targets) await publisher.restore({ target, modelFolder, manifest });
  await moveLive(store, change);
  const { recordDigest, isNew } = await recordRollback(store, input);
  if (isNew) metrics.rollbacks.increment({ lineage });
  return { recordDigest };
}

/** What a lineage's ref is to say is live, instead of what. */
interface LiveChange {
  readonly lineage: string;
  readonly from: string | null;
  readonly to: string;
  readonly conflict: (live: string | null) => RegraftError;
}

const liveRef = (lineage: string): string => `published/${lineage}`;

/** Before any target is touched. @throws the conflict where neither is live */
async function assertMovable(store: ArtifactStore, { lineage, from, to, conflict }: LiveChange): Promise<void> {
  const live = await store.readRef(liveRef(lineage));
  if (live !== from && live !== to) throw conflict(live);
}

/** Changes nothing where that is done. @throws the conflict where something else went live meanwhile */
async function moveLive(store: ArtifactStore, { lineage, from, to, conflict }: LiveChange): Promise<void> {
  if (from === to) return;
  const { swapped, current } = await store.swapRef(liveRef(lineage), from, to);
  if (!swapped && current !== to) throw conflict(current);
}

/** Keeps who asked and why, before all earlier ones: the ref names the newest, and each the one before it. */
async function recordRollback(
  store: ArtifactStore,
  input: RollbackInput,
): Promise<{ readonly recordDigest: string; readonly isNew: boolean }> {
  const { lineage, from, to, actor, reason, at } = input;
  const ref = `rollbacks/${lineage}`;
  const before = await store.readRef(ref);
  if (before !== null && rollbackSchema.parse(await store.getRecord(before)).at === at) {
    return { recordDigest: before, isNew: false };
  }
  const recordDigest = await store.putRecord({
    ...{ schema: 'regraft.rollback/1', lineage, release: to.release, actor, reason, at, before },
    ...{ from: from.candidateDigest, to: to.candidateDigest },
  });
  const { swapped, current } = await store.swapRef(ref, before, recordDigest);
  return { recordDigest: current ?? recordDigest, isNew: swapped };
}

function rollbackConflict({ lineage, from, to }: RollbackInput, live: string | null): RegraftError {
  return new RegraftError(
    'ROLLBACK_CONFLICT',
    `Lineage ${lineage}: ${from.release} was to be rolled back to ${to.release}, but ${live ?? 'nothing'} is live now instead of ${from.candidateDigest}; look with \`regraft status ${lineage}\` and order it again.`,
  );
}

/**
 * Judges a candidate from the per-sample results that its scores name. The same input gives the same decision.
 * @throws RegraftError GATE_UNLIKE_COMPARISON, GATE_SUITE_MISSING; STORE_NOT_FOUND, STORE_CORRUPT
 */
async function judgeCandidate({ store, metrics }: PublishDeps, input: JudgeInput): Promise<GateDecision> {
  const { key, candidate, gate } = input;
  const steps = judgeGateInSteps({
    spec: gate,
    candidate: await gateModel(store, key.release, candidate),
    references: await Promise.all(input.references.map((reference) => gateReference(store, reference))),
  });
  let step = steps.next();
  for (; step.done !== true; step = steps.next()) await setImmediate(); // other activities have heartbeats to send
  const decision = step.value;
  if (!input.trial) metrics.gateDecisions.increment({ lineage: key.lineage, decision: decision.decision });
  return decision;
}

async function gateReference(store: ArtifactStore, reference: JudgeReference): Promise<GateReference> {
  const { kind } = reference;
  if ('suites' in reference) return { kind, ...(await gateModel(store, reference.release, reference)) };
  const { release, best } = runRecordSchema.parse(await store.getRecord(reference.recordDigest));
  return { kind, ...(await gateModel(store, release.name, best)) };
}

async function gateModel(
  store: ArtifactStore,
  release: string,
  { modelDigest, suites }: { readonly modelDigest: string; readonly suites: readonly SuiteScore[] },
): Promise<GateModel> {
  const evaluations: Record<string, GateEvaluation> = {};
  for (const { suite, evaluationDigest } of suites) {
    evaluations[suite] = evaluationRecordSchema.parse(await store.getRecord(evaluationDigest));
  }
  return { release, modelDigest, evaluations };
}

/**
 * Publishes to every target in turn, then moves the lineage's `published` ref; what is already live is left as it is, so
 * running twice changes nothing.
 * @throws RegraftError PUBLISH_CONFLICT when something else went live since this run was judged.
 */
async function publishModel(deps: PublishDeps, input: PublishInput): Promise<readonly Publication[]> {
  const { store, publisher, clock } = deps;
  const candidateDigest = input.candidate.modelDigest;
  const [modelFolder, manifest] = await Promise.all([
    store.materialize(candidateDigest),
    store.manifest(candidateDigest),
  ]);
  const change = {
    ...{ lineage: input.key.lineage, from: input.published?.candidateDigest ?? null, to: candidateDigest },
    conflict: (live: string | null) => publishConflict(input, live),
  };
  await assertMovable(store, change);
  const publications: Publication[] = [];
  for (const { folder: target } of input.targets) {
    const provenance = {
      schema: 'regraft.publication/1',
      lineage: input.key.lineage,
      release: { name: input.release.name, digest: input.release.digest },
      arm: input.key.arm,
      source: input.source,
      candidate: input.candidate,
      deltaDigest: input.deltaDigest,
      gate: input.gate,
    };
    const { previousDigest } = await publisher.publish({
      target,
      modelFolder,
      manifest,
      card: modelCard(input),
      provenance,
    });
    publications.push({
      target,
      release: input.release.name,
      candidateDigest,
      previousDigest,
      publishedAt: clock.now().toISOString(),
    });
  }
  await moveLive(store, change);
  deps.metrics.publications.increment({ lineage: input.key.lineage });
  deps.metrics.rollbacks.increment({ lineage: input.key.lineage }, 0); // so that the first one is a rise, not a new series
  return publications;
}

function publishConflict(input: PublishInput, live: string | null): RegraftError {
  return new RegraftError(
    'PUBLISH_CONFLICT',
    `Lineage ${input.key.lineage}: the candidate of ${input.release.name} was judged against ${input.published?.candidateDigest ?? 'nothing'}, but ${live ?? 'nothing'} is live now; retry the release so that it is judged against what is live.`,
  );
}
