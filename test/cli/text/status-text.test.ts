import { describe, expect, it } from 'vitest';
import { overviewText, statusText } from '../../../cli/text/status-text.ts';
import type { LineageState } from '../../../contracts/lineage-state.ts';
import { pauseLineage, retryRelease } from '../../../policy/lineage/orders.ts';
import { AT, digestOf, makeArm, makeRelease, makeResult, makeScore, makeSpec } from '../../support/lineage-values.ts';
import { liveModel } from '../../support/lineages.ts';
import { concludedEntry, makeState } from '../../support/report-values.ts';

const ORDER = { actor: 'ada', reason: 'cluster maintenance' };
const LIVE = { release: 'M2', candidateDigest: digestOf('candidate'), suites: [makeScore()] };
const SOURCE = { deltaDigest: digestOf('delta'), fromRelease: 'M1', fromArm: 'iterative', steps: 100 } as const;

const doneWith = (fields: Parameters<typeof makeResult>[0]): Parameters<typeof makeArm>[0] => ({
  status: 'succeeded',
  result: makeResult({ gateSentence: 'passed: alike', ...fields }),
});
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
    ['was live', { published: LIVE }, liveModel('M4')],
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

  it.each<[string, Parameters<typeof makeArm>[0], string, string]>([
    ['waits for a person', { status: 'running', stage: 'approval' }, 'waits for approval', ''],
    ['was superseded', { status: 'superseded', result: makeResult() }, 'superseded', 'left its Δ'],
    ['was superseded at once', { status: 'superseded' }, 'superseded', 'left nothing'],
    ['was withheld', doneWith({ withheld: 'M3 is live, which is newer than M2' }), 'done', 'withheld'],
    [
      'was not approved',
      doneWith({ approval: { decision: 'rejected', actor: 'ada', reason: 'odd', at: AT } }),
      'done',
      'not approved',
    ],
    ['was left as it is', doneWith({ gateSentence: null }), 'done', 'not judged'],
  ])('show that a candidate %s', (_how, fields, now, outcome) => {
    const row = rowsOf(statusText(makeState([concludedEntry({ arms: [makeArm(fields)] })])))[0];
    expect([row?.[2], row?.at(-1)]).toEqual([now, outcome]);
  });

  it('show what became of releases that no arm worked on, or long ago', () => {
    const entries = (
      [
        [1, { status: 'succeeded', recordDigest: digestOf('record') }],
        [2, { status: 'skipped', note: 'passed over for M3 (backlog: latest)' }],
        [3, { status: 'superseded' }],
        [4, { status: 'waiting', wanted: true }],
        [5, { status: 'waiting', wanted: true, retries: 1 }],
        [6, { status: 'running', cancelling: true, arms: [makeArm()] }],
      ] as const
    ).map(([number, fields]) => concludedEntry({ release: makeRelease(number), arms: [], ...fields }));
    const published = liveModel('M1');
    const rows = rowsOf(statusText(makeState(entries, { published }))).map((row) => [row[0], row[2], row.at(-1)]);
    expect(rows).toEqual([
      ['M1', 'done', 'live'],
      ['M2', 'skipped', ''],
      ['M3', 'superseded', ''],
      ['M4', 'waiting, asked for', ''],
      ['M5, try 2', 'waiting', ''],
      ['M6, cancelling', 'waiting', ''],
    ]);
  });

  it('show what was rolled back, and how to go forward again', () => {
    const published = [1, 2].map((number) => liveModel(`M${String(number)}`));
    const entries = published.map((model, index) =>
      concludedEntry({
        release: makeRelease(index + 1),
        arms: [makeArm({ status: 'succeeded', result: makeResult({ published: model }) })],
      }),
    );
    const state = makeState(entries, { published: published[0] ?? null, publications: published });
    const text = statusText(state);
    expect(rowsOf(text).map((row) => row.at(-1))).toEqual(['live', 'rolled back']);
    expect(text).toContain(`\nLive: M1 (${digestOf('candidate of M1').slice(0, 12)}), rolled back from M2\n`);
    expect(paragraphOf(text, 'What to do:')[0]).toBe('`regraft rollback tiny-sums --to M2` makes M2 live again');
    const forward = statusText({ ...state, published: published[1] ?? null });
    expect(rowsOf(forward).map((row) => row.at(-1))).toEqual(['was live', 'live']);
    expect(forward).not.toContain('rollback');
  });

  it('are the newest fifteen of hundreds, with what runs and what is live, and a count of the others', () => {
    const entries = Array.from({ length: 300 }, (_, index) =>
      concludedEntry({
        release: makeRelease(index + 1),
        status: (['succeeded', 'skipped', 'failed'] as const)[index % 3] ?? 'failed',
        arms: [],
      }),
    );
    const state = makeState(entries, { published: liveModel('M7') });
    const text = statusText(state);
    const names = rowsOf(text).map(([name]) => name);
    expect(names).toEqual(['M7', ...Array.from({ length: 15 }, (_, index) => `M${String(286 + index)}`)]);
    expect(text).toContain(
      'Before these: 284 more (94 done, 95 skipped, 95 failed); `regraft why tiny-sums RELEASE` tells of each.',
    );
    expect(paragraphOf(text, 'What to do:').filter((line) => line.includes('retry'))).toHaveLength(5);
    const late = entries.map((entry) =>
      entry.release.name === 'M9' ? { ...entry, status: 'running' as const } : entry,
    );
    expect(rowsOf(statusText(makeState(late))).map(([name]) => name)[0]).toBe('M9');
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

describe('what presses', () => {
  const approval = { timeout: '2h', otherwise: 'reject' } as const;
  const asking = (gate: unknown): LineageState =>
    makeState([running({ status: 'running', stage: 'approval' }, { arm: 'plain', status: 'running', stage: 'gate' })], {
      spec: makeSpec({ gate, controls: ['plain'] }),
    });

  it('is a candidate that waits for a person, with what is done when nobody decides', () => {
    const decide = '`regraft approve tiny-sums M2` lets M2 go live, `regraft reject tiny-sums M2` keeps it back';
    const manual = statusText(asking({ approval: 'manual' }));
    expect(manual.split('\n')[0]).toBe('tiny-sums: at M2 (iterative waits for approval, plain in gate)');
    expect(paragraphOf(manual, 'What to do:')[0]).toBe(decide);
    expect(paragraphOf(statusText(asking({ approval })), 'What to do:')[0]).toBe(
      `${decide}; if nobody decides within 2h, it is rejected`,
    );
    const approving = asking({ approval: { ...approval, otherwise: 'approve' } });
    expect(statusText(approving)).toContain('within 2h, it is approved');
  });

  it('is a restart that waits for a release, and not the advice that it answers', () => {
    const advice = 'plain does better: consider `regraft restart`';
    const order = { ...ORDER, at: AT, what: 'restart' };
    const pending = statusText(makeState([concludedEntry()], { advice, restart: { release: null, order } }));
    expect(pending).toContain('\nRestart: the next release starts from the base, as ada asked (cluster maintenance)\n');
    expect(pending).not.toContain(advice);
    const settled = statusText(makeState([concludedEntry()], { advice, restart: { release: 'M2', order } }));
    expect(settled).not.toContain('Restart:');
    expect(paragraphOf(settled, 'What to do:')).toContain(advice);
  });

  it.each([
    [undefined, undefined, null],
    [undefined, { steps: 100, trainedSeconds: 3600, gpuSeconds: 0 }, '100 steps, 1.00 h of training'],
    [
      undefined,
      { steps: 100, trainedSeconds: 3600, gpuSeconds: 14_400 },
      '100 steps, 4.00 GPU-hours, 1.00 h of training',
    ],
    [{ steps: 1000 }, undefined, '0 of 1000 steps, 0.00 h of training; when that is spent, the lineage is paused'],
    [
      { gpuHours: 10, wallTime: '20h', then: 'skip' },
      { steps: 100, trainedSeconds: 1800, gpuSeconds: 3600 },
      '100 steps, 1.00 of 10 GPU-hours, 0.50 h of 20h of training; when that is spent, releases are skipped',
    ],
  ])('is what was spent of a budget %j: %j', (lineage, spent, words) => {
    const spec = makeSpec(lineage === undefined ? {} : { budget: { lineage } });
    const text = statusText(makeState([], { spec, ...(spent !== undefined && { spent }) }));
    const line = text.split('\n').find((one) => one.startsWith('Spent: ')) ?? null;
    expect(line).toBe(words === null ? null : `Spent: ${words}`);
  });

  it.each([
    ['queue', 'M3'],
    ['latest', 'M5'],
    ['supersede', 'M5'],
  ])('is what starts next: with the backlog %s it is %s', (backlog, next) => {
    const spec = makeSpec({ backlog });
    expect(headOf(makeState([waiting(3), waiting(4), waiting(5)], { spec }))[0]).toBe(
      `tiny-sums: about to start ${next}`,
    );
    const asked = [waiting(3), { ...waiting(4), wanted: true as const }, waiting(5)];
    expect(headOf(makeState(asked, { spec }))[0]).toBe(
      `tiny-sums: about to start ${backlog === 'queue' ? 'M3' : 'M4'}`,
    );
  });

  it('is that a release is being cancelled', () => {
    const entry = { ...running({ status: 'running', stage: 'finetune' }), cancelling: true as const };
    expect(headOf(makeState([entry]))[0]).toBe('tiny-sums: at M2 (being cancelled)');
  });
});

describe('the rest of a status', () => {
  it.each([
    [{ hub: 'acme/base', revisions: 'step{step}', order: ['step'] }, 'step{step} in acme/base on the Hub'],
    [
      { hub: ['acme/base-1', 'acme/base-2'], names: 'base-{v}', order: ['v'] },
      'base-{v} in acme/base-1, acme/base-2 on the Hub',
    ],
    [{ organisation: 'acme', names: 'base-{v}', order: ['v'] }, 'base-{v} in acme on the Hub'],
    [{ bucket: 's3://models/base', names: 'M{v}', order: ['v'] }, 'M{v} in s3://models/base/'],
  ])('says where a new lineage looks: %j', (family, where) => {
    expect(statusText(makeState([], { spec: makeSpec({ family }) }))).toContain(
      `Every 1m it looks for releases named ${where}.`,
    );
  });

  it('says where a new lineage looks for releases instead of an empty table', () => {
    const text = statusText(makeState([]));
    expect(text).toContain('Every 1m it looks for releases named M{release} in /models/family.');
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
  it('counts what did not come to a good end', () => {
    const releases = (['succeeded', 'superseded', 'skipped', 'skipped', 'failed', 'cancelled', 'waiting'] as const).map(
      (status, index) => concludedEntry({ release: makeRelease(index), status, arms: [] }),
    );
    expect(rowsOf(overviewText([makeState(releases)]))[0]?.[2]).toBe('1 of 7 done, 1 superseded, 2 skipped, 1 failed');
  });

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
