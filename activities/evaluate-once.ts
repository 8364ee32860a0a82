import { evaluationRecordSchema, type EvaluationRecord } from '../contracts/evaluation.schema.ts';
import type { HarnessName } from '../contracts/suite.schema.ts';
import { meanResults } from '../policy/mean-results.ts';
import type { ArtifactStore, Evaluator, Suite } from './ports.ts';
import { remember } from './remember.ts';

/** A model of the store on a suite, by one harness. */
export interface Evaluation {
  readonly modelDigest: string;
  readonly suite: Suite;
  readonly harness: HarnessName;
  readonly signal: AbortSignal;
  readonly onProgress: (done: number, total: number) => void;
}

/**
 * Evaluates a model once per (model, suite, harness), by their digests: asked again, by anyone who shares the store, it
 * answers from there and opens no model. Two at the same time both get the record that was kept first.
 *
 * Errors: those of the evaluator; STORE_NOT_FOUND, STORE_CORRUPT.
 */
export async function evaluateOnce(
  deps: { readonly store: ArtifactStore; readonly evaluators: Readonly<Record<HarnessName, Evaluator>> },
  { modelDigest, suite, harness: name, signal, onProgress }: Evaluation,
): Promise<{ readonly record: EvaluationRecord; readonly recordDigest: string }> {
  const evaluator = deps.evaluators[name];
  const harness = await evaluator.identity(suite);
  const inputs = { model: modelDigest, suite: suite.digest, harness: harness.digest };
  const key = { work: 'evaluate', inputs };
  const { value: record, recordDigest } = await remember(deps.store, key, evaluationRecordSchema, async () => {
    const modelFolder = await deps.store.materialize(modelDigest);
    const samples = await evaluator.evaluate({ modelFolder, suite, signal, onProgress });
    return {
      schema: 'regraft.evaluation/1' as const,
      modelDigest,
      suiteDigest: suite.digest,
      harness,
      unit: suite.unit,
      samples: [...samples],
      ...meanResults(samples),
    };
  });
  return { record, recordDigest };
}
