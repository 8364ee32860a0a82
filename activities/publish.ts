import type { LineageSpec } from '../contracts/lineage-spec.schema.ts';
import type { PublishedModel, RunKey } from '../contracts/run.ts';
import type { EvaluatedStep, GateDecision, Publication } from '../contracts/run-record.schema.ts';
import type { Metrics } from '../metrics/registry.ts';
import { RegraftError } from '../contracts/error.ts';
import { judgeGate } from '../policy/judge-gate.ts';
import { modelCard, type CardFacts } from '../policy/model-card.ts';
import type { ArtifactStore, Clock, Publisher } from './ports.ts';
import { stageAtRim } from './rim.ts';

export interface PublishDeps {
  readonly store: ArtifactStore;
  readonly publisher: Publisher;
  readonly clock: Clock;
  readonly metrics: Metrics;
}

export interface GateInput {
  readonly key: RunKey;
  readonly candidate: EvaluatedStep;
  readonly published: PublishedModel | null;
  readonly gate: LineageSpec['gate'] | null;
}

export interface PublishInput extends CardFacts {
  /** What the gate compared with. */
  readonly published: PublishedModel | null;
  readonly targets: LineageSpec['publish'];
}

/** Judging and going live, on the `io` queue. */

export function createPublishActivities(deps: PublishDeps) {
  return {
    // eslint-disable-next-line @typescript-eslint/require-await -- an activity is asynchronous by contract
    judgeCandidate: stageAtRim(deps.metrics, 'gate', async (input: GateInput): Promise<GateDecision> => {
      const decision = judgeGate(input.candidate, input.published, input.gate ?? undefined);
      deps.metrics.gateDecisions.increment({ lineage: input.key.lineage, decision: decision.decision });
      return decision;
    }),
    publishModel: stageAtRim(deps.metrics, 'publish', (input: PublishInput) => publishModel(deps, input)),
  };
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
  const ref = `published/${input.key.lineage}`;
  const seen = input.published?.candidateDigest ?? null;
  const live = await store.readRef(ref);
  if (live !== seen && live !== candidateDigest) throw publishConflict(input, live);
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
  if (live !== candidateDigest) {
    const { swapped, current } = await store.swapRef(ref, seen, candidateDigest);
    if (!swapped && current !== candidateDigest) throw publishConflict(input, current);
  }
  deps.metrics.publications.increment({ lineage: input.key.lineage });
  return publications;
}

function publishConflict(input: PublishInput, live: string | null): RegraftError {
  return new RegraftError(
    'PUBLISH_CONFLICT',
    `Lineage ${input.key.lineage}: the candidate of ${input.release.name} was judged against ${input.published?.candidateDigest ?? 'nothing'}, but ${live ?? 'nothing'} is live now; retry the release so that it is judged against what is live.`,
  );
}
