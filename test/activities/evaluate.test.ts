import { describe, expect, it } from 'vitest';
import { createEvaluateActivities, type EvaluateInput } from '../../activities/evaluate.ts';
import type { Evaluator } from '../../activities/ports.ts';
import { evaluationRecordSchema } from '../../contracts/evaluation.schema.ts';
import type { HarnessName } from '../../contracts/suite.schema.ts';
import { createMetrics } from '../../metrics/registry.ts';
import { digestOf, makeSpec } from '../support/lineage-values.ts';
import { MemoryStore } from '../support/memory-store.ts';
import { runActivity } from '../support/run-activity.ts';

const [suite] = makeSpec().evaluate;
const INPUT: EvaluateInput = {
  key: { lineage: 'tiny-sums', release: 'M2', arm: 'iterative' },
  step: 25,
  modelDigest: digestOf('model'),
  suite: suite ?? { name: 'sums', suite: '/suites/sums', harness: 'onnx' },
};

/** Activities that share a store; two samples of three tokens, one right. Counts what was opened. */
function setUp(harnessDigest = digestOf('onnx 1'), suiteDigest = digestOf('suite'), store = new MemoryStore()) {
  const folders: string[] = [];
  const named = (name: HarnessName, scale: number | null): Evaluator => ({
    name,
    identity: async () => ({ name, version: '1', digest: digestOf(`${name} ${harnessDigest}`) }),
    evaluate: async ({ modelFolder, onProgress }) => {
      folders.push(modelFolder);
      onProgress(2, 2);
      return [1, 0].map((outcome, index) => ({
        ...{ id: String(index), outcome, weight: 1, answer: null },
        ...(scale === null
          ? { lossNats: null, answerTokens: 0 }
          : { lossNats: scale * (1.5 - outcome), answerTokens: 3 }),
      }));
    },
  });
  const metrics = createMetrics();
  const activities = createEvaluateActivities({
    store,
    metrics,
    data: {
      datasetDigest: async () => digestOf('data'),
      suite: async ({ name }) => ({
        ...{ kind: 'samples', name, digest: suiteDigest, unit: 'share', scorer: { kind: 'exact' } },
        ...{ samples: [], stop: [], maxNewTokens: 1 },
      }),
    },
    evaluators: { onnx: named('onnx', 1), 'lm-eval': named('lm-eval', null), command: named('command', 2) },
  });
  const evaluate = (input = INPUT) => runActivity(activities.evaluateModel, input);
  return { store, folders, metrics, evaluate };
}

describe('evaluateModel', () => {
  it('scores a model on a suite and keeps every sample', async () => {
    const { store, folders, evaluate } = setUp();
    const score = await evaluate();
    expect(score).toMatchObject({
      ...{ suite: 'sums', score: 0.5, unit: 'share', lossNats: 1, samples: 2, harness: 'onnx/1' },
      ...{ suiteDigest: digestOf('suite'), harnessDigest: digestOf(`onnx ${digestOf('onnx 1')}`) },
    });
    expect(folders).toEqual([`/store/${INPUT.modelDigest}`]);
    expect(evaluationRecordSchema.parse(store.records.get(score.evaluationDigest))).toMatchObject({
      ...{ modelDigest: INPUT.modelDigest, suiteDigest: digestOf('suite'), unit: 'share', score: 0.5, lossNats: 1 },
      harness: { name: 'onnx', version: '1' },
      samples: [
        { id: '0', outcome: 1, lossNats: 0.5, answerTokens: 3 },
        { id: '1', outcome: 0, lossNats: 1.5, answerTokens: 3 },
      ],
    });
  });

  it('evaluates a model once a suite, whichever run or step asks', async () => {
    const { folders, evaluate } = setUp();
    const first = await evaluate();
    expect(await evaluate({ ...INPUT, step: 0, key: { ...INPUT.key, arm: 'plain' } })).toEqual(first);
    expect(folders).toHaveLength(1);
    await evaluate({ ...INPUT, modelDigest: digestOf('another') });
    expect(folders).toHaveLength(2);
  });

  it.each([
    ['another harness', digestOf('onnx 2'), digestOf('suite')],
    ['a changed suite', digestOf('onnx 1'), digestOf('changed')],
  ])('evaluates anew with %s', async (_claim, harnessDigest, suiteDigest) => {
    const { store, evaluate } = setUp();
    const before = await evaluate();
    const again = setUp(harnessDigest, suiteDigest, store);
    expect(await again.evaluate()).not.toEqual(before);
    expect(again.folders).toHaveLength(1);
    expect(await evaluate()).toEqual(before);
  });

  it('asks the harness that the suite names, and has no loss from one that tells none', async () => {
    const { metrics, evaluate } = setUp();
    const lmEval = await evaluate({ ...INPUT, suite: { ...INPUT.suite, harness: 'lm-eval' } });
    expect(lmEval).toMatchObject({ harness: 'lm-eval/1', score: 0.5, lossNats: null });
    const shown = await metrics.exposition();
    expect(shown).toMatch(/^regraft_evaluation_score\{.*suite="sums".*\} 0\.5$/m);
    expect(shown).not.toMatch(/^regraft_evaluation_loss_nats\{.*suite="sums"/m);
    expect(await evaluate()).toMatchObject({ harness: 'onnx/1', lossNats: 1 });
    expect(await metrics.exposition()).toMatch(/^regraft_evaluation_loss_nats\{.*suite="sums".*\} 1$/m);
  });
});
