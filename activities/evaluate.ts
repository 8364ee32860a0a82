import { z } from 'zod';
import type { SuiteSpec } from '../contracts/lineage-spec.schema.ts';
import type { RunKey } from '../contracts/run.ts';
import { suiteScoreSchema, type SuiteScore } from '../contracts/run-record.schema.ts';
import type { Metrics } from '../metrics/registry.ts';
import { meanResults } from '../policy/mean-results.ts';
import type { ArtifactStore, DataReader, Evaluator } from './ports.ts';
import { remember } from './remember.ts';
import { atRim, type ActivityScope } from './rim.ts';

export interface EvaluateDeps {
  readonly store: ArtifactStore;
  readonly data: DataReader;
  readonly evaluator: Evaluator;
  readonly metrics: Metrics;
}

export interface EvaluateInput {
  readonly key: RunKey;
  readonly step: number;
  readonly modelDigest: string;
  readonly suite: SuiteSpec;
}

const samplesSchema = z.strictObject({
  samples: z.array(z.strictObject({ correct: z.boolean(), lossNats: z.number(), answerTokens: z.int() })),
  score: z.number(),
  lossNats: z.number(),
});

/** Scoring on the `evaluate` queue. */

export function createEvaluateActivities(deps: EvaluateDeps) {
  return {
    evaluateModel: atRim((input: EvaluateInput, scope) => evaluateModel(deps, input, scope)),
  };
}

/**
 * Scores a model on a suite, once per (model, suite, harness): asked again, by any run, it answers from the store.
 * Heartbeats `{done, total}` samples.
 */
async function evaluateModel(deps: EvaluateDeps, input: EvaluateInput, scope: ActivityScope): Promise<SuiteScore> {
  const { store, data, evaluator, metrics } = deps;
  const suite = await data.suite(input.suite);
  const inputs = { model: input.modelDigest, suite: suite.digest, harness: evaluator.harness };
  const { value, recordDigest } = await remember(store, { work: 'evaluate', inputs }, samplesSchema, async () => {
    const samples = await evaluator.evaluate({
      modelFolder: await store.materialize(input.modelDigest),
      suite,
      signal: scope.signal,
      onProgress: (done, total) => {
        scope.progress({ done, total });
      },
    });
    return { samples: [...samples], ...meanResults(samples) };
  });
  const labels = { ...input.key, suite: input.suite.name };
  metrics.touch(labels);
  metrics.evaluationScore.set(labels, value.score);
  metrics.evaluationLossNats.set(labels, value.lossNats);
  metrics.evaluationStep.set(labels, input.step);
  return suiteScoreSchema.parse({
    suite: input.suite.name,
    score: value.score,
    lossNats: value.lossNats,
    samples: value.samples.length,
    suiteDigest: suite.digest,
    harness: evaluator.harness,
    evaluationDigest: recordDigest,
  });
}
