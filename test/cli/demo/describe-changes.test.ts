import { describe, expect, it } from 'vitest';
import { describeChanges } from '../../../cli/demo/describe-changes.ts';
import { AT, digestOf, makeArm, makeResult } from '../../support/lineage-values.ts';
import { concludedEntry, makeState } from '../../support/report-values.ts';

const source = { deltaDigest: digestOf('delta'), fromRelease: 'M1', fromArm: 'iterative', steps: 100 } as const;
const started = makeState([
  concludedEntry({
    status: 'running',
    concludedAt: null,
    arms: [
      makeArm({ arm: 'iterative', status: 'running', source }),
      makeArm({ arm: 'direct', status: 'shared', sharedWith: 'iterative', source }),
      makeArm({ arm: 'plain', status: 'waiting' }),
    ],
  }),
]);

describe('describeChanges', () => {
  it('tells a new release and where each of its arms starts', () => {
    expect(describeChanges(null, started)).toEqual([
      `M2 was released and is pinned as ${digestOf('M2').slice(0, 12)}`,
      'M2 iterative starts from base + Δ of M1',
      'M2 direct starts from the same model as iterative, which does the work for both',
      'M2 plain starts from the base',
    ]);
  });

  it('tells nothing when nothing changed', () => {
    expect(describeChanges(started, started)).toEqual([]);
  });

  it('tells how arms ended and what went live', () => {
    const result = makeResult({ gateSentence: 'passed: nothing is published yet' });
    const failure = { code: 'TRAINER_DIVERGED', message: 'Training stopped.' };
    const ended = makeState(
      [
        concludedEntry({
          arms: [
            makeArm({ arm: 'iterative', status: 'succeeded', source, result }),
            makeArm({ arm: 'direct', status: 'shared', sharedWith: 'iterative', source }),
            makeArm({ arm: 'plain', status: 'failed', failure }),
          ],
        }),
      ],
      { published: { release: 'M2', candidateDigest: digestOf('candidate'), suites: [] } },
    );
    expect(describeChanges(started, ended)).toEqual([
      'M2 iterative is done: best 0.900 at step 100, last 0.900; gate passed: nothing is published yet',
      'M2 plain failed: Training stopped. [TRAINER_DIVERGED]',
      `M2 is live: ${digestOf('candidate').slice(0, 12)}`,
    ]);
    const cancelled = makeState([concludedEntry({ arms: [makeArm({ status: 'cancelled' })] })]);
    expect(describeChanges(started, cancelled)).toEqual(['M2 iterative was cancelled']);
  });

  it('tells a pause, who ordered it and why', () => {
    const paused = { actor: 'ada', reason: 'maintenance', at: AT, what: 'pause' };
    expect(describeChanges(started, { ...started, paused })).toEqual([
      'paused by ada: maintenance; `regraft resume tiny-sums` goes on',
    ]);
  });
});
