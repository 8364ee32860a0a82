import { describe, expect, it } from 'vitest';
import { progressLine } from '../../../cli/demo/training-progress.ts';
import { createMetrics } from '../../../metrics/registry.ts';
import { makeArm } from '../../support/lineage-values.ts';
import { concludedEntry, makeState } from '../../support/report-values.ts';

const running = makeState([
  concludedEntry({
    status: 'running',
    concludedAt: null,
    arms: [
      makeArm({ arm: 'iterative', status: 'running', stage: 'finetune' }),
      makeArm({ arm: 'direct', status: 'running', stage: 'finetune' }),
      makeArm({ arm: 'plain', status: 'running', stage: 'baseline' }),
    ],
  }),
]);

describe('progressLine', () => {
  it('shows each running arm’s stage, and the step and score that the metrics page tells', async () => {
    const metrics = createMetrics();
    const labels = { lineage: 'tiny-sums', release: 'M2', arm: 'iterative' } as const;
    metrics.trainStep.set({ ...labels, release: 'M1' }, 99);
    metrics.trainStep.set(labels, 40);
    metrics.evaluationScore.set({ ...labels, suite: 'sums' }, 0.25);
    expect(progressLine(running, await metrics.exposition())).toBe(
      'M2: iterative step 40 of 100, score 0.250 · direct finetune · plain baseline',
    );
  });

  it('does without the metrics page while the worker is away', () => {
    expect(progressLine(running, '')).toBe('M2: iterative finetune · direct finetune · plain baseline');
  });

  it('says that a release starts while none of its arms is in a stage yet', () => {
    const entry = concludedEntry({ status: 'running', concludedAt: null, arms: [makeArm()] });
    expect(progressLine(makeState([entry]), '')).toBe('M2: starting');
  });

  it('says that it waits when nothing runs', () => {
    expect(progressLine(makeState([concludedEntry()]), '')).toBe('waiting for the next release');
  });
});
