import { describe, expect, it } from 'vitest';
import { overviewText, statusText } from '../../../cli/text/status-text.ts';
import type { LineageState } from '../../../contracts/lineage-state.ts';
import { pauseLineage, retryRelease } from '../../../policy/lineage.ts';
import { AT, digestOf, makeArm, makeRelease, makeResult, makeScore, makeSpec } from '../../support/lineage-values.ts';
import { concludedEntry, makeState } from '../../support/report-values.ts';

const ORDER = { actor: 'ada', reason: 'cluster maintenance' };
const LIVE = { release: 'M2', candidateDigest: digestOf('candidate'), suites: [makeScore()] };
const SOURCE = { deltaDigest: digestOf('delta'), fromRelease: 'M1', fromArm: 'iterative', steps: 100 } as const;

const waiting = (number: number) =>
  concludedEntry({ release: makeRelease(number), status: 'waiting', arms: [], concludedAt: null });
const running = (...arms: readonly Parameters<typeof makeArm>[0][]) =>
  concludedEntry({
    status: 'running',
    concludedAt: null,
    arms: arms.map((arm) => makeArm({ source: SOURCE, ...arm })),
  });

/** The table's rows as cells, without its head. */
function rowsOf(text: string): readonly (readonly string[])[] {
  const lines = text.split('\n').filter((line) => line.startsWith('│'));
  return lines.slice(1).map((line) =>
    line
      .split('│')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

/** The lines under a heading. */
function paragraphOf(text: string, heading: string): readonly string[] {
  const found = text.split('\n\n').find((paragraph) => paragraph.startsWith(heading));
  return (found?.split('\n') ?? []).slice(1).map((line) => line.trim());
}

const headOf = (state: LineageState): readonly string[] => statusText(state).split('\n').slice(0, 2);

describe('the first lines of a status', () => {
  const failed = concludedEntry({ status: 'failed' });
  it.each([
    ['has seen no release', makeState([]), 'waiting for the first release'],
    ['has done all', makeState([concludedEntry()]), 'waiting for the next release'],
    ['has a release in line', makeState([failed, waiting(3)]), 'about to start M3'],
    ['has just begun', makeState([running({})]), 'at M2 (starting)'],
    [
      'runs an arm that has no stage yet',
      makeState([running({ status: 'running' })]),
      'at M2 (iterative in its first stage)',
    ],
    [
      'runs two arms',
      makeState([
        running({ status: 'running', stage: 'gate' }, { arm: 'plain', status: 'running', stage: 'finetune' }),
      ]),
      'at M2 (iterative in gate, plain in finetune)',
    ],
    ['has ended every arm', makeState([running({ status: 'succeeded' })]), 'at M2 (comparing the arms)'],
    ['is paused', pauseLineage(makeState([waiting(3)]), ORDER, AT), 'paused by ada (cluster maintenance)'],
  ])('say what it does now when it %s', (_what, state, now) => {
    expect(headOf(state)).toEqual([`tiny-sums: ${now}`, 'Live: nothing yet']);
  });

  it('name what is live', () => {
    expect(headOf(makeState([], { published: LIVE }))[1]).toBe(`Live: M2 (${digestOf('candidate').slice(0, 12)})`);
  });
});

describe('the releases of a status', () => {
  it('are one row an arm, the release named once and its production arm marked', () => {
    const arms = [
      makeArm({ status: 'running', stage: 'finetune', source: SOURCE }),
      makeArm({ arm: 'direct', status: 'shared', sharedWith: 'iterative', source: SOURCE }),
      makeArm({ arm: 'plain' }),
    ];
    expect(rowsOf(statusText(makeState([concludedEntry({ status: 'running', arms }), waiting(3)])))).toEqual([
      ['M2', 'iterative *', 'running: finetune', 'Δ of M1', '', '', '', ''],
      ['', 'direct', 'as iterative', 'Δ of M1', '', '', '', ''],
      ['', 'plain', 'waiting', 'the base', '', '', '', ''],
      ['M3', '', 'waiting', '', '', '', '', ''],
    ]);
  });

  it('have the best score with its step, the final one and the steps in the new Δ', () => {
    const result = makeResult({
      best: { step: 0, score: 0.91, lossNats: 0.1 },
      final: { step: 100, score: 0.8804, lossNats: 0.2 },
      stepsInDelta: 300,
      published: LIVE,
    });
    const entry = concludedEntry({ arms: [makeArm({ status: 'succeeded', source: SOURCE, result })] });
    const text = statusText(makeState([entry], { published: LIVE }));
    expect(rowsOf(text)).toEqual([['M2', 'iterative *', 'done', 'Δ of M1', '0.910 @0', '0.880 @100', '300', 'live']]);
    expect(text).toContain('best, final: score on sums @step;');
    expect(text).toContain('step 0 is before any training');
  });

  it.each([
    ['live', { published: LIVE }, LIVE],
    ['was live', { published: LIVE }, { ...LIVE, release: 'M4' }],
    ['was live', { published: LIVE }, { ...LIVE, candidateDigest: digestOf('a retried one') }],
    ['rejected', { published: null, gateSentence: 'rejected: sums 0.1 against 0.9' }, LIVE],
  ])('came out as %s', (outcome, result, published) => {
    const entry = concludedEntry({ arms: [makeArm({ status: 'succeeded', result: makeResult(result) })] });
    expect(rowsOf(statusText(makeState([entry], { published })))[0]?.at(-1)).toBe(outcome);
  });

  it('say nothing of the gate for a control arm, which never meets it', () => {
    const arms = [makeArm({}), makeArm({ arm: 'plain', status: 'succeeded', result: makeResult() })];
    expect(rowsOf(statusText(makeState([concludedEntry({ arms })]))).map((row) => row.at(-1))).toEqual(['', '']);
  });

  it('are held in their stage while the lineage is paused', () => {
    const state = pauseLineage(makeState([running({ status: 'running', stage: 'finetune' })]), ORDER, AT);
    expect(rowsOf(statusText(state))[0]?.[2]).toBe('held: finetune');
  });

  it('show where an arm failed, and below with which sentence and code', () => {
    const failure = { code: 'TRAINER_DIVERGED', message: 'The loss is not finite at step 40.' };
    const arms = [
      makeArm({ status: 'failed', stage: 'finetune', failure }),
      makeArm({ arm: 'plain', status: 'cancelled' }),
    ];
    const text = statusText(makeState([concludedEntry({ status: 'failed', arms })]));
    expect(rowsOf(text).map((row) => row[2])).toEqual(['failed: finetune', 'cancelled']);
    expect(paragraphOf(text, 'Failed:')).toEqual([
      'M2 iterative: The loss is not finite at step 40. [TRAINER_DIVERGED]',
    ]);
    expect(paragraphOf(text, 'What to do:')).toEqual([
      '`regraft retry tiny-sums M2` puts M2 back in line',
      '`regraft why tiny-sums RELEASE` tells the story of one release',
    ]);
  });

  it('show which try it is once one was retried, and no failure any more', () => {
    const failure = { code: 'DISK_FULL', message: 'The disk is full.' };
    const entry = concludedEntry({ status: 'failed', arms: [makeArm({ status: 'failed', failure })] });
    const text = statusText(retryRelease(makeState([entry]), 'M2', ORDER, AT));
    expect(rowsOf(text)).toEqual([['M2, try 2', '', 'waiting', '', '', '', '', '']]);
    expect(text).not.toContain('Failed:');
    expect(paragraphOf(text, 'Latest orders:')).toEqual(['2026-05-01 10:00 UTC  ada: retry M2 (cluster maintenance)']);
  });

  it('fit a terminal of 120 columns, the longest names of stages and arms included', () => {
    const result = makeResult({
      published: LIVE,
      stepsInDelta: 1_000_000,
      best: { step: 100_000, score: 1, lossNats: 0 },
    });
    const arms = [
      makeArm({ status: 'succeeded', source: SOURCE, result }),
      makeArm({ arm: 'plain', status: 'running', stage: 'difference' }),
    ];
    const lines = statusText(makeState([concludedEntry({ arms, retries: 11 })])).split('\n');
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(120);
  });
});

describe('the rest of a status', () => {
  it('says where a new lineage looks for releases instead of an empty table', () => {
    const text = statusText(makeState([]));
    expect(text).toContain('Every 1m it looks for model folders named M{release} in /models/family.');
    expect(rowsOf(text)).toEqual([]);
    expect(text).not.toContain('What to do:');
  });

  it('has the newest three orders, and how to go on when paused', () => {
    const log = ['apply', 'pause', 'resume', 'cancel M1'].map((what) => ({ ...ORDER, at: AT, what }));
    const text = statusText(pauseLineage(makeState([waiting(3)], { log }), ORDER, AT));
    expect(paragraphOf(text, 'Latest orders:').map((line) => line.split(': ')[1]?.split(' (')[0])).toEqual([
      ...['resume', 'cancel M1', 'pause'],
    ]);
    expect(paragraphOf(text, 'What to do:')[0]).toBe('`regraft resume tiny-sums` lets it go on');
  });
});

describe('the overview', () => {
  it('has one row a lineage', () => {
    const failed = concludedEntry({ release: makeRelease(3), status: 'failed' });
    const states = [
      makeState([concludedEntry(), failed, waiting(4)], { published: LIVE }),
      makeState([], { spec: makeSpec({ name: 'other', strategy: 'plain' }) }),
    ];
    expect(rowsOf(overviewText(states))).toEqual([
      [
        'tiny-sums',
        'iterative',
        '1 of 3 done, 1 failed',
        'about to start M4',
        `M2 (${LIVE.candidateDigest.slice(0, 12)})`,
      ],
      ['other', 'plain', '0 of 0 done', 'waiting for the first release', 'nothing yet'],
    ]);
  });

  it('says how to begin when there is none', () => {
    expect(overviewText([])).toBe('No lineage yet; `regraft apply FILE` creates one.');
  });
});
