import { describe, expect, it } from 'vitest';
import { createEvaluateActivities, type EvaluateInput } from '../../activities/evaluate.ts';
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

/** Activities that share a store; two samples of three tokens, one right. */
function setUp(harness = 'onnx/1', suiteDigest = digestOf('suite'), store = new MemoryStore()) {
  const folders: string[] = [];
  const activities = createEvaluateActivities({
    store,
    metrics: createMetrics(),
    data: {
      datasetDigest: async () => digestOf('data'),
      suite: async () => ({ name: 'sums', digest: suiteDigest, samples: [{ prompt: 'a', completion: 'b' }] }),
    },
    evaluator: {
      harness,
      evaluate: async ({ modelFolder, onProgress }) => {
        folders.push(modelFolder);
        onProgress(2, 2);
        return [true, false].map((correct) => ({ correct, lossNats: correct ? 0.5 : 1.5, answerTokens: 3 }));
      },
    },
  });
  const evaluate = (input = INPUT) => runActivity(activities.evaluateModel, input);
  return { store, folders, evaluate };
}

describe('evaluateModel', () => {
  it('scores a model on a suite and keeps every sample', async () => {
    const { store, folders, evaluate } = setUp();
    const score = await evaluate();
    expect(score).toMatchObject({ suite: 'sums', score: 0.5, lossNats: 1, samples: 2, harness: 'onnx/1' });
    expect(folders).toEqual([`/store/${INPUT.modelDigest}`]);
    expect(store.records.get(score.evaluationDigest)).toMatchObject({
      samples: [
        { correct: true, lossNats: 0.5, answerTokens: 3 },
        { correct: false, lossNats: 1.5, answerTokens: 3 },
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
    ['another harness', 'onnx/2', digestOf('suite')],
    ['a changed suite', 'onnx/1', digestOf('changed')],
  ])('evaluates anew with %s', async (_claim, harness, suiteDigest) => {
    const { store, evaluate } = setUp();
    const before = await evaluate();
    const again = setUp(harness, suiteDigest, store);
    expect(await again.evaluate()).not.toEqual(before);
    expect(again.folders).toHaveLength(1);
  });
});
