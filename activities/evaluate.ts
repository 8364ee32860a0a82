import type { SuiteSpec } from '../contracts/lineage-spec.schema.ts';
import type { RunKey } from '../contracts/run.ts';
import { suiteScoreSchema, type SuiteScore } from '../contracts/run-record.schema.ts';
import type { HarnessName } from '../contracts/suite.schema.ts';
import type { Metrics } from '../metrics/registry.ts';
import { evaluateOnce } from './evaluate-once.ts';
import type { ArtifactStore, DataReader, Evaluator } from './ports.ts';
import { atRim, type ActivityScope } from './rim.ts';

export interface EvaluateDeps {
  readonly store: ArtifactStore;
  readonly data: DataReader;
  readonly evaluators: Readonly<Record<HarnessName, Evaluator>>;
  readonly metrics: Metrics;
}

export interface EvaluateInput {
  readonly key: RunKey;
  readonly step: number;
  readonly modelDigest: string;
  readonly suite: SuiteSpec;
  /** No point of the run's own curve (a base to compare with): its numbers are returned and not shown. Default false. */
  readonly aside?: boolean;
}

/** Scoring on the `evaluate` queue. */

export function createEvaluateActivities(deps: EvaluateDeps) {
  return {
    evaluateModel: atRim((input: EvaluateInput, scope) => evaluateModel(deps, input, scope)),
  };
}

/**
 * Scores a model on a suite, once per (model, suite, harness): asked again, by any run, it answers from the store.
 * Heartbeats `{done, total}` samples.
 *
 * Errors: SUITE_INVALID, EVALUATE_*, and those of the engine.
 */
async function evaluateModel(deps: EvaluateDeps, input: EvaluateInput, scope: ActivityScope): Promise<SuiteScore> {
  const { name, harness } = input.suite;
  const { record, recordDigest } = await evaluateOnce(deps, {
    modelDigest: input.modelDigest,
    suite: await deps.data.suite(input.suite),
    harness,
    signal: scope.signal,
    onProgress: (done, total) => {
      scope.progress({ done, total });
    },
  });
  const score = suiteScoreSchema.parse({
    suite: name,
    score: record.score,
    standardError: record.standardError,
    unit: record.unit,
    lossNats: record.lossNats,
    samples: record.samples.length,
    suiteDigest: record.suiteDigest,
    harness: `${record.harness.name}/${record.harness.version}`,
    harnessDigest: record.harness.digest,
    evaluationDigest: recordDigest,
  });
  if (input.aside !== true) showScore(deps.metrics, input, score);
  return score;
}

function showScore(metrics: Metrics, { key, step }: EvaluateInput, { suite, score, lossNats }: SuiteScore): void {
  const labels = { ...key, suite };
  metrics.touch(labels);
  metrics.evaluationScore.set(labels, score);
  if (lossNats !== null) metrics.evaluationLossNats.set(labels, lossNats);
  metrics.evaluationStep.set(labels, step);
}
