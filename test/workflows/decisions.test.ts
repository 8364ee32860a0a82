import type { WorkflowHandle } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JudgeReference } from '../../activities/publish.ts';
import type { DeltaSource } from '../../contracts/delta-source.ts';
import type { RunInput } from '../../contracts/run.ts';
import type { RunRecord } from '../../contracts/run-record.schema.ts';
import { taskQueue } from '../../contracts/task-queues.ts';
import type { recycleRun } from '../../workflows/recycle-run.ts';
import { digestOf, makeDecision, makeScore } from '../support/lineage-values.ts';
import { makeRunInput } from '../support/run-input.ts';
import { checkpointOf, failure, type Script } from '../support/scripted-work.ts';
import { quietSpec, Service } from '../support/service.ts';
import { startTemporal } from '../support/temporal-server.ts';
import { waitUntil } from '../support/wait-until.ts';

let service: Service;
beforeAll(async () => {
  service = await Service.start(await startTemporal());
});
afterAll(() => service.stop());

const SOURCE: DeltaSource = { deltaDigest: digestOf('Δ'), fromRelease: 'M0', fromArm: 'auto', steps: 300 };
const BASE = digestOf('M1');
const TUNED = digestOf(`behind ${digestOf('Δ')}`);
const mergeOf = (scale: number): string => digestOf(`${BASE} + ${scale === 1 ? '' : String(scale)}${digestOf('Δ')}`);

async function begin(input: RunInput): Promise<WorkflowHandle<typeof recycleRun>> {
  return service.env.client.workflow.start<typeof recycleRun>('recycleRun', {
    workflowId: `run/${input.lineage}`,
    taskQueue: taskQueue('control'),
    args: [input],
  });
}

/** Scores models by digest; any other by its step. */
function scoreModels(script: Script, scores: Readonly<Record<string, number>>): void {
  script.instead.evaluateModel = async ({ step, modelDigest }) =>
    makeScore({ score: scores[modelDigest] ?? 0.5 + step / 1000 });
}

/** The record that a run was to keep. */
function keepRecord(script: Script): { record: Omit<RunRecord, 'schema' | 'regraftVersion'> | null } {
  const kept: ReturnType<typeof keepRecord> = { record: null };
  script.instead.recordRun = async (input) => {
    kept.record = input.record;
    return script.usual.recordRun(input);
  };
  return kept;
}

describe('the strategy auto', () => {
  const auto = (lineage: string, fields: Readonly<Record<string, unknown>> = {}) =>
    makeRunInput(lineage, { arm: 'auto', source: SOURCE, spec: quietSpec(lineage, { strategy: 'auto', ...fields }) });

  it('publishes a merge that is as good as the old fine-tune, and trains nothing', async () => {
    const script = service.work.script('ready');
    const kept = keepRecord(script);
    scoreModels(script, { [BASE]: 0.2, [mergeOf(0.5)]: 0.7, [mergeOf(1)]: 0.92, [TUNED]: 0.9 });
    const result = await (await begin(auto('ready', { auto: { scales: [0.5, 1] } }))).result();
    expect(script.story('M1', 'auto')).toEqual([
      ...['inspectRelease', 'recycleModel', 'recycleModel'],
      ...['evaluateModel 0', 'evaluateModel 0', 'evaluateModel 0', 'evaluateModel 0'], // base, two merges, old fine-tune
      ...['judgeCandidate', 'judgeCandidate', 'differenceModel', 'judgeCandidate', 'publishModel', 'recordRun'],
    ]);
    expect(result).toMatchObject({
      ...{ startModelDigest: mergeOf(1), candidateDigest: mergeOf(1), best: { step: 0, score: 0.92 } },
      ...{ training: null, stepsInDelta: 300, published: { candidateDigest: mergeOf(1) } },
    });
    expect(kept.record).toMatchObject({
      training: null,
      convergence: null,
      choice: { kind: 'publish-merge', scale: 1 },
    });
    expect(kept.record?.choice?.measurements.merges.map(({ scale, level }) => [scale, level?.score])).toEqual([
      [0.5, 0.7],
      [1, 0.92],
    ]);
  });

  it('trains from a merge however low it scores', async () => {
    const script = service.work.script('low');
    scoreModels(script, { [BASE]: 0.4, [mergeOf(1)]: 0.1, [TUNED]: 0.9 });
    const result = await (await begin(auto('low'))).result();
    expect(result).toMatchObject({ startModelDigest: mergeOf(1), best: { step: 100 }, stepsInDelta: 400 });
    expect(result.choice).toContain('fine-tune from the merge');
  });

  it('skips a release whose base has outgrown the old fine-tune, and hands its Δ on', async () => {
    const script = service.work.script('outgrown');
    const kept = keepRecord(script);
    scoreModels(script, { [BASE]: 0.95, [mergeOf(1)]: 0.5, [TUNED]: 0.7 });
    const result = await (await begin(auto('outgrown'))).result();
    expect(result).toMatchObject({ handsOn: SOURCE, deltaDigest: SOURCE.deltaDigest, published: null });
    expect(script.story('M1', 'auto').at(-1)).toBe('recordRun');
    for (const never of ['finetuneModel', 'differenceModel', 'publishModel'] as const)
      expect(script.of(never)).toEqual([]);
    expect(kept.record).toMatchObject({ choice: { kind: 'skip' }, deltaNorm: null, gate: null });
  });

  it('trains from the base when the Δ does not fit it', async () => {
    const script = service.work.script('misfit');
    script.instead.inspectRelease = async () => {
      throw failure('INSPECT_INCOMPATIBLE', { retryable: false });
    };
    const result = await (await begin(auto('misfit'))).result();
    expect(result).toMatchObject({ startModelDigest: BASE, best: { step: 100 } });
    expect(result.choice).toContain('failed compatibility check');
    expect(script.of('recycleModel')).toEqual([]);
  });

  it('fails, as any other arm does, when the release itself cannot be read', async () => {
    const script = service.work.script('unreadable');
    script.instead.inspectRelease = async () => {
      throw failure('INSPECT_REFUSED', { retryable: false });
    };
    await expect((await begin(auto('unreadable'))).result()).rejects.toThrow();
    expect(script.calls.map(({ activity }) => activity)).toEqual(['inspectRelease']);
  });

  it('is plain training where there is no Δ yet', async () => {
    const script = service.work.script('first');
    const spec = quietSpec('first', { strategy: 'auto' });
    await (await begin(makeRunInput('first', { arm: 'auto', spec }))).result();
    expect(script.story('M1', 'auto')).not.toContain('recycleModel');
    expect(script.of('finetuneModel')).toHaveLength(1);
  });
});

describe('a training that may end early', () => {
  const previous = { release: 'M0', recordDigest: digestOf('M0'), final: { step: 100, score: 0.52, lossNats: 1 } };

  it('ends when an evaluation reaches the target, with what it has saved', async () => {
    const script = service.work.script('reached');
    const kept = keepRecord(script);
    const training = service.holdTraining('reached');
    training.proceedTo(50);
    const spec = quietSpec('reached', { stop: { target: 'previous' } });
    const result = await (await begin(makeRunInput('reached', { spec, previous }))).result();
    expect([training.cancelled, training.saved]).toEqual([1, 50]);
    expect(script.of('concludeTraining')).toHaveLength(1);
    expect(result).toMatchObject({
      ...{ best: { step: 50 }, final: { step: 50 }, stepsInDelta: 50 },
      convergence: { state: 'target reached', stepsSaved: 50 },
    });
    expect(kept.record).toMatchObject({ convergence: { target: { kind: 'previous', release: 'M0', score: 0.52 } } });
  });

  it('does not begin when the start model is there already', async () => {
    const script = service.work.script('there');
    const spec = quietSpec('there', { stop: { target: 0.5 } });
    const result = await (await begin(makeRunInput('there', { spec }))).result();
    expect(script.of('finetuneModel')).toEqual([]);
    expect(result).toMatchObject({ training: null, best: { step: 0 }, convergence: { stepsSaved: 100 } });
  });

  it('goes on to its last step, whatever its curve does, when the spec does not say so', async () => {
    const script = service.work.script('through');
    const result = await (await begin(makeRunInput('through', { previous }))).result();
    expect(script.of('concludeTraining')).toEqual([]);
    expect(result).toMatchObject({ final: { step: 100 }, convergence: { stepsSaved: 0 } });
  });

  it('waits with its end for a hold to be over', async () => {
    const script = service.work.script('held-end');
    const training = service.holdTraining('held-end');
    const spec = quietSpec('held-end', { stop: { target: 0.52 } });
    const run = await begin(makeRunInput('held-end', { spec }));
    await training.untilRunning();
    await run.signal('hold', { held: true });
    await waitUntil('the training is saved', async () => training.running === 0);
    await run.signal('checkpoint', checkpointOf(BASE, 50));
    await service.untilQuiet(run.workflowId);
    expect(script.of('concludeTraining')).toEqual([]);
    training.proceedTo(50);
    await run.signal('hold', { held: false });
    expect(await run.result()).toMatchObject({ final: { step: 50 } });
  });
});

describe('the gate', () => {
  /** What the gate was given to compare with. */
  function keepReferences(script: Script): { references: readonly JudgeReference[] } {
    const kept: ReturnType<typeof keepReferences> = { references: [] };
    script.instead.judgeCandidate = async ({ references }) => {
      kept.references = references;
      return makeDecision();
    };
    return kept;
  }

  it('is given the base, measured, and the release before, by its record', async () => {
    const script = service.work.script('compared');
    const kept = keepReferences(script);
    const gate = { against: ['base', 'previous', 'published'] };
    const previous = { release: 'M0', recordDigest: digestOf('M0'), final: { step: 1, score: 0.1, lossNats: null } };
    await (await begin(makeRunInput('compared', { previous, spec: quietSpec('compared', { gate }) }))).result();
    expect(kept.references).toEqual([
      { kind: 'base', release: 'M1', modelDigest: BASE, suites: [makeScore({ score: 0.5, lossNats: 1 })] },
      { kind: 'previous', recordDigest: digestOf('M0') },
    ]);
  });

  it('waits for the plain arm beside it, and compares with what that left', async () => {
    const script = await service.create('beside', { controls: ['plain'], gate: { against: 'plain' } });
    const kept = keepReferences(script);
    let letPlainGo = false;
    script.instead.finetuneModel = async (input) => {
      if (input.key.arm === 'plain' && input.key.release === 'M2') {
        await waitUntil('plain may go on', async () => letPlainGo);
      }
      return script.usual.finetuneModel(input);
    };
    await service.observe('beside', 1, 2);
    await service.until('beside', 'M1');
    expect(kept.references, 'plain shared the work at M1').toEqual([]);
    await waitUntil('only plain is not done', async () => script.story('M2', 'iterative').includes('differenceModel'));
    await service.untilQuiet('lineage/beside/run/M2/iterative');
    expect(script.story('M2', 'iterative')).not.toContain('judgeCandidate');
    letPlainGo = true;
    await service.until('beside', 'M2', 'succeeded');
    expect(kept.references).toEqual([{ kind: 'plain', recordDigest: digestOf('record of M2 plain') }]);
  });

  it('does not wait for a plain arm that failed', async () => {
    const script = await service.create('beside-failed', { controls: ['plain'], gate: { against: 'plain' } });
    const kept = keepReferences(script);
    script.instead.finetuneModel = async (input) => {
      if (input.key.arm === 'plain') throw failure('TRAINER_DIVERGED', { retryable: false });
      return script.usual.finetuneModel(input);
    };
    await service.observe('beside-failed', 1, 2);
    await service.until('beside-failed', 'M2', 'succeeded');
    expect(script.story('M2', 'iterative')).toContain('judgeCandidate');
    expect(kept.references).toEqual([]);
  });
});

describe('the connectivity probe', () => {
  it('runs before anything is trained, where the spec asks for it and there is a Δ, and is recorded', async () => {
    const script = service.work.script('probed');
    const kept = keepRecord(script);
    const asked: unknown[] = [];
    script.instead.probeConnectivity = async (input) => {
      asked.push(input);
      return script.usual.probeConnectivity(input);
    };
    const spec = quietSpec('probed', { probe: { suite: '/suites/text.txt' } });
    const result = await (await begin(makeRunInput('probed', { source: SOURCE, spec }))).result();
    const story = script.story('M1', 'iterative');
    expect(story.indexOf('probeConnectivity')).toBe(story.indexOf('finetuneModel') - 1);
    expect(asked).toMatchObject([
      { target: BASE, delta: SOURCE.deltaDigest, recycled: mergeOf(1), probe: { points: 5 } },
    ]);
    expect(kept.record?.connectivity).toEqual(result.connectivity);
    expect(result.connectivity?.barriersNats).toEqual({ bases: 0.01, tuned: 0.02 });
  });

  it('does not run where there is no Δ', async () => {
    const script = service.work.script('unprobed');
    const spec = quietSpec('unprobed', { probe: { suite: '/suites/text.txt' } });
    await (await begin(makeRunInput('unprobed', { spec }))).result();
    expect(script.of('probeConnectivity')).toEqual([]);
  });
});
