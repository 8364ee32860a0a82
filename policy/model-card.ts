import type { DeltaSource } from '../contracts/delta-source.ts';
import type { Release } from '../contracts/release.ts';
import type { RunKey } from '../contracts/run.ts';
import type { GateDecision } from '../contracts/gate.schema.ts';
import type { EvaluatedStep } from '../contracts/run-record.schema.ts';

/** What a model card tells. */
export interface CardFacts {
  readonly key: RunKey;
  readonly release: Release;
  readonly source: DeltaSource | null;
  readonly candidate: EvaluatedStep;
  readonly deltaDigest: string;
  readonly gate: GateDecision;
}

/**
 * The README of a published model: where it came from, by digest, how it scored, and what recycling does and does not
 * give (paper, Table 1: it carries the old post-training over; it does not recreate the new base's own).
 */
export function modelCard(facts: CardFacts): string {
  const { key, release, source, candidate, gate } = facts;
  const scores = candidate.suites.map(
    (suite) =>
      `| ${suite.suite} | ${suite.score.toFixed(4)} | ${suite.lossNats?.toFixed(4) ?? '–'} | ${String(suite.samples)} | ${suite.harness} |`,
  );
  return [
    '---',
    `base_model: ${JSON.stringify(release.name)}`,
    'base_model_relation: finetune',
    'tags: [regraft]',
    '---',
    '',
    `# ${key.lineage} on ${release.name}`,
    '',
    `Base: \`${release.name}\`, digest \`${release.digest}\`, from ${release.uri}.`,
    originOf(source, candidate),
    `This model: digest \`${candidate.modelDigest}\`. Its own Δ (this model − its base): \`${facts.deltaDigest}\`.`,
    '',
    '| suite | score | loss (nats) | samples | harness |',
    '|---|---|---|---|---|',
    ...scores,
    '',
    `Gate: ${gate.sentence}.`,
    '',
    'Recycling carries an earlier fine-tune over to a newer base. It does not give the new base’s own post-training.',
    '',
  ].join('\n');
}

function originOf(source: DeltaSource | null, candidate: EvaluatedStep): string {
  const tuned = candidate.step === 0 ? 'not trained further' : `fine-tuned for ${String(candidate.step)} steps`;
  return source === null
    ? `Started from the base itself, ${tuned}.`
    : `Started from base + Δ of \`${source.fromRelease}\` (arm ${source.fromArm}, delta \`${source.deltaDigest}\`, ${String(source.steps)} fine-tuning steps carried over), ${tuned}.`;
}
