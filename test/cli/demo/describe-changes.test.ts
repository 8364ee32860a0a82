import { describe, expect, it } from 'vitest';
import { describeChanges } from '../../../cli/demo/describe-changes.ts';
import { AT, digestOf, makeArm, makeResult } from '../../support/lineage-values.ts';
import { liveModel } from '../../support/lineages.ts';
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

  it('tells what was superseded, skipped, withheld or decided by a person', () => {
    const result = makeResult({ gateSentence: 'passed: alike' });
    const approval = { decision: 'rejected', actor: 'ada', reason: 'odd', at: AT } as const;
    const linesOf = (fields: Parameters<typeof makeArm>[0]): readonly string[] =>
      describeChanges(started, makeState([concludedEntry({ arms: [makeArm(fields)] })]));
    const scores = 'best 0.900 at step 100, last 0.900; gate passed: alike';
    expect(linesOf({ status: 'superseded', result: makeResult() })).toEqual([
      'M2 iterative was superseded: best 0.900 at step 100, last 0.900',
    ]);
    expect(linesOf({ status: 'superseded' })).toEqual(['M2 iterative was superseded']);
    expect(linesOf({ status: 'succeeded', result: { ...result, withheld: 'M3 is live' } })).toEqual([
      `M2 iterative is done: ${scores}; withheld: M3 is live`,
    ]);
    expect(linesOf({ status: 'succeeded', result: { ...result, approval } })).toEqual([
      `M2 iterative is done: ${scores}; rejected by ada`,
    ]);
    const skipped = concludedEntry({ status: 'skipped', arms: [], note: 'passed over for M3 (backlog: latest)' });
    expect(describeChanges(started, makeState([skipped]))).toEqual([
      'M2 was skipped: passed over for M3 (backlog: latest)',
    ]);
    expect(describeChanges(makeState([skipped]), makeState([skipped]))).toEqual([]);
  });

  it('tells once that a candidate waits for approval, and how to give it', () => {
    const asking = makeState([
      concludedEntry({ status: 'running', arms: [makeArm({ status: 'running', stage: 'approval', source })] }),
    ]);
    expect(describeChanges(started, asking)).toEqual([
      'M2 waits for approval: `regraft approve tiny-sums M2` lets M2 go live, `regraft reject tiny-sums M2` keeps it back',
    ]);
    expect(describeChanges(asking, asking)).toEqual([]);
  });

  it('tells what a rollback made live', () => {
    const [one, two] = [liveModel('M1'), liveModel('M2')];
    const live = makeState([], { published: two, publications: [one, two] });
    expect(describeChanges(live, { ...live, published: one })).toEqual([
      `M1 is live: ${one.candidateDigest.slice(0, 12)}, rolled back from M2`,
    ]);
  });

  it('tells a pause, who ordered it and why', () => {
    const paused = { actor: 'ada', reason: 'maintenance', at: AT, what: 'pause' };
    expect(describeChanges(started, { ...started, paused })).toEqual([
      'paused by ada: maintenance; `regraft resume tiny-sums` goes on',
    ]);
  });
});
