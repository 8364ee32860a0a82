import { describe, expect, it } from 'vitest';
import { whyText } from '../../../cli/text/why-text.ts';
import type { LineageState, ReleaseState } from '../../../contracts/lineage-state.ts';
import type { RunResult } from '../../../contracts/run.ts';
import { pauseLineage } from '../../../policy/lineage/orders.ts';
import { AT, digestOf, makeArm, makeRelease, makeResult, makeScore, makeSpec } from '../../support/lineage-values.ts';
import { liveModel } from '../../support/lineages.ts';
import { concludedEntry, makeState } from '../../support/report-values.ts';

const ORDER = { actor: 'ada', reason: 'cluster maintenance' };
const LIVE = { release: 'M2', candidateDigest: digestOf('candidate'), suites: [makeScore()] };
const REASON = "Δ of M1's iterative arm, the newest that succeeded";
const START = `- iterative (production): ${REASON}. `;

const entryOf = (number: number, status: ReleaseState['status'], arms: ReleaseState['arms'] = []): ReleaseState =>
  concludedEntry({ release: makeRelease(number), status, arms });
const oneArm = (fields: Parameters<typeof makeArm>[0]): ReleaseState['arms'] => [
  makeArm({ sourceReason: REASON, ...fields }),
];

/** The story of the first release in a state, line by line. */
function storyOf(state: LineageState, entry: ReleaseState | undefined = state.releases[0]): readonly string[] {
  return entry === undefined ? [] : whyText(state, entry).split('\n');
}
/** What is told of an arm. */
const armLine = (fields: Parameters<typeof makeArm>[0]): string | undefined =>
  storyOf(makeState([entryOf(2, 'running', oneArm(fields))])).find((line) => line.startsWith('- '));

describe('how a release stands', () => {
  it('is its place in line while it waits', () => {
    const releases = [entryOf(1, 'succeeded'), entryOf(2, 'running'), entryOf(3, 'waiting'), entryOf(4, 'waiting')];
    const state = makeState(releases);
    expect(storyOf(state, releases[2])[0]).toBe('M3 waits: M2 comes first.');
    expect(storyOf(state, releases[3])[0]).toBe('M4 waits: M2, M3 come first.');
    expect(storyOf(makeState([releases[2]!]))[0]).toBe('M3 waits: it is next.');
    expect(storyOf(pauseLineage(state, ORDER, AT), releases[2])[0]).toBe(
      'M3 waits: M2 comes first, and the lineage is paused by ada (cluster maintenance).',
    );
  });

  it('is that it is worked on, or held by whom and why', () => {
    const state = makeState([entryOf(2, 'running')]);
    expect(storyOf(state)[0]).toBe('M2 is being worked on.');
    expect(storyOf(pauseLineage(state, ORDER, AT))[0]).toBe(
      'M2 is held: the lineage is paused by ada (cluster maintenance).',
    );
  });

  it.each([
    ['is live', LIVE, LIVE, 'M2 is done and is live.'],
    ['was live', LIVE, liveModel('M4'), 'M2 is done and was live until M4.'],
    ['was rejected', null, liveModel('M1'), 'M2 is done and was not published; M1 is live.'],
    ['was rejected before anything was live', null, null, 'M2 is done and was not published; nothing is live.'],
  ])('is that it %s', (_what, mine, published, line) => {
    const arms = oneArm({ status: 'succeeded', result: makeResult({ published: mine }) });
    expect(storyOf(makeState([entryOf(2, 'succeeded', arms)], { published }))[0]).toBe(line);
  });

  it('is how to try again when it failed or was cancelled', () => {
    expect(storyOf(makeState([entryOf(2, 'failed')]))[0]).toBe(
      'M2 failed, for its production arm did; `regraft retry tiny-sums M2` puts it back in line.',
    );
    expect(storyOf(makeState([entryOf(2, 'cancelled')]))[0]).toBe(
      'M2 was cancelled; `regraft retry tiny-sums M2` puts it back in line.',
    );
  });
});

describe('how a release stands that the backlog or a person decided about', () => {
  const spec = (backlog: string) => makeSpec({ backlog });
  const asked = (entry: ReleaseState): ReleaseState => ({ ...entry, wanted: true });

  it('is that it was passed over, and why', () => {
    const note = 'passed over for M3 (backlog: latest)';
    expect(storyOf(makeState([{ ...entryOf(2, 'skipped'), note }]))[0]).toBe(
      `M2 was skipped: ${note}; \`regraft retry tiny-sums M2\` puts it back in line.`,
    );
  });

  it('is what it left when it was superseded', () => {
    const left = oneArm({ status: 'superseded', result: makeResult({ stepsInDelta: 150, superseded: true }) });
    const again = '`regraft retry tiny-sums M2` puts it back in line.';
    expect(storyOf(makeState([entryOf(2, 'superseded', left)]))[0]).toBe(
      `M2 was superseded by a newer release, and left a Δ of 150 steps; ${again}`,
    );
    expect(storyOf(makeState([entryOf(2, 'superseded', oneArm({ status: 'superseded' }))]))[0]).toBe(
      `M2 was superseded by a newer release before it had trained anything; ${again}`,
    );
    expect(storyOf(makeState([entryOf(2, 'superseded')]))[0]).toBe(`M2 was superseded by a newer release; ${again}`);
  });

  it.each(['latest', 'supersede'])('is what comes before it, or that it will be passed over: %s', (backlog) => {
    const releases = [
      entryOf(1, 'running'),
      entryOf(2, 'waiting'),
      asked(entryOf(3, 'waiting')),
      entryOf(4, 'waiting'),
    ];
    const state = makeState(releases, { spec: spec(backlog) });
    expect(storyOf(state, releases[1])[0]).toBe(
      `M2 waits: it is going to be passed over for M4 (backlog: ${backlog}).`,
    );
    expect(storyOf(state, releases[2])[0]).toBe(
      'M3 waits: M1 comes first; it was asked for, so it is not passed over.',
    );
    expect(storyOf(state, releases[3])[0]).toBe('M4 waits: M1, M3 come first.');
    const turned = [entryOf(1, 'waiting'), entryOf(2, 'running')].map(asked).concat(entryOf(5, 'waiting'));
    expect(storyOf(makeState(turned, { spec: spec(backlog) }), turned[2])[0]).toBe('M5 waits: M2, M1 come first.');
    const late = [entryOf(1, 'waiting'), entryOf(2, 'failed'), entryOf(3, 'succeeded')];
    expect(storyOf(makeState(late, { spec: spec(backlog) }), late[0])[0]).toContain('passed over for M3');
    expect(storyOf(makeState(late.slice(0, 2), { spec: spec(backlog) }), late[0])[0]).toBe('M1 waits: it is next.');
  });

  it('is that it waits for approval, and how to give it; or that it is being cancelled', () => {
    const gate = { approval: { timeout: '2h', otherwise: 'reject' } };
    const state = makeState([entryOf(2, 'running', oneArm({ status: 'running', stage: 'approval' }))], {
      spec: makeSpec({ gate }),
    });
    expect(storyOf(state)[0]).toBe(
      'M2 passed its gate and waits for approval: `regraft approve tiny-sums M2` lets M2 go live, `regraft reject tiny-sums M2` keeps it back; if nobody decides within 2h, it is rejected.',
    );
    expect(storyOf(makeState([{ ...entryOf(2, 'running'), cancelling: true }]))[0]).toBe('M2 is being cancelled.');
  });

  it('is that it was rolled back', () => {
    const arms = oneArm({ status: 'succeeded', result: makeResult({ published: LIVE }) });
    const releases = [entryOf(1, 'succeeded'), entryOf(2, 'succeeded', arms)];
    const state = makeState(releases, { published: liveModel('M1') });
    expect(storyOf(state, releases[1])[0]).toBe('M2 is done and was live until it was rolled back to M1.');
  });

  it('is what is known of one long past, and where the rest is', () => {
    const entry = { ...entryOf(2, 'succeeded'), recordDigest: digestOf('comparison') };
    const long = 'It is long past: what its arms did is in record';
    const lines = storyOf(makeState([entry], { published: liveModel('M40') }));
    expect(lines[0]).toBe('M2 is done; M40 is live.');
    expect(lines.at(-1)).toBe(`${long} ${digestOf('comparison').slice(0, 12)}.`);
    const was = makeState([entry], { published: liveModel('M40'), publications: [LIVE] });
    expect(storyOf(was)[0]).toBe('M2 is done and was live until M40.');
  });
});

describe('what each arm did', () => {
  it.each([
    [{}, 'It has not begun.'],
    [{ status: 'running' as const }, 'It is starting.'],
    [{ status: 'running' as const, stage: 'finetune' as const }, 'It is in stage finetune.'],
    [
      { status: 'shared' as const, sharedWith: 'direct' as const },
      'direct starts from the same model and does the work for both.',
    ],
    [{ status: 'cancelled' as const, stage: 'recycle' as const }, 'It was cancelled in stage recycle.'],
    [{ status: 'cancelled' as const }, 'It was cancelled.'],
    [
      {
        status: 'failed' as const,
        stage: 'finetune' as const,
        failure: { code: 'OUT_OF_MEMORY', message: 'It was too large.' },
      },
      'It failed in stage finetune: It was too large. [OUT_OF_MEMORY]',
    ],
  ])('%j begins with why it starts where it does, and goes on: %s', (fields, story) => {
    expect(armLine(fields)).toBe(`${START}${story}`);
  });

  it('tells scores, steps, the gate’s sentence and the record', () => {
    const result = makeResult({
      best: { step: 50, score: 0.9, lossNats: 0.1 },
      final: { step: 100, score: 0.85, lossNats: 0.2 },
      stepsInDelta: 150,
      published: LIVE,
      gateSentence: 'passed: nothing is published yet',
    });
    expect(armLine({ status: 'succeeded', result })).toBe(
      `${START}Best score 0.900 at step 50, 0.850 at the last step 100; its Δ holds 150 fine-tuning steps. The gate passed: nothing is published yet. Record ${digestOf('record').slice(0, 12)}.`,
    );
  });

  it('tells that the start model was best as it stood, and that a rejected one was not published', () => {
    const best = { step: 0, score: 0.9, lossNats: 0.1 };
    const result = makeResult({ best, gateSentence: 'rejected: sums 0.900 against 0.950 of M1, margin 0.02' });
    const line = armLine({ status: 'succeeded', result });
    expect(line).toContain('Best score 0.900 before any training, ');
    expect(line).toContain('The gate rejected: sums 0.900 against 0.950 of M1, margin 0.02. It was not published.');
  });

  it.each([
    [{ attempts: 1, stepsLost: 0, continuity: 'nothing to compare' as const }, null],
    [
      { attempts: 3, stepsLost: 1, continuity: 'verified' as const },
      'Its training took 3 attempts and lost 1 step; what was trained again came out as before.',
    ],
    [
      { attempts: 2, stepsLost: 40, continuity: 'broken' as const },
      'Its training took 2 attempts and lost 40 steps; what was trained again came out OTHERWISE than before, so something changed on the way.',
    ],
    [
      { attempts: 2, stepsLost: 0, continuity: 'nothing to compare' as const },
      'Its training took 2 attempts and lost 0 steps; nothing was trained twice.',
    ],
  ])('tells of a training %j: %s', (training, sentence) => {
    const line = armLine({ status: 'succeeded', result: makeResult({ training }) }) ?? '';
    expect(/Its training took [^.]*\./.exec(line)?.[0] ?? null).toBe(sentence);
  });

  it.each<[string, Partial<RunResult>, string]>([
    [
      'a person let go live',
      { approval: { decision: 'approved', actor: 'ada', reason: 'looks right', at: AT }, published: LIVE },
      'The gate passed: alike. It was approved by ada (looks right). Record',
    ],
    [
      'a person kept back',
      { approval: { decision: 'rejected', actor: 'ada', reason: 'odd', at: AT } },
      'The gate passed: alike. It was rejected by ada (odd). It was not published. Record',
    ],
    [
      'nobody decided about',
      { approval: { decision: 'superseded', actor: 'regraft', reason: 'M3 has come', at: AT }, superseded: true },
      'The gate passed: alike. Nobody had decided about it by then (M3 has come). It was not published. Record',
    ],
    [
      'was withheld',
      { withheld: 'M3 is live, which is newer than M2' },
      'The gate passed: alike. It was withheld: M3 is live, which is newer than M2. It was not published. Record',
    ],
  ])('tells of a candidate that %s', (_what, fields, story) => {
    const result = makeResult({ gateSentence: 'passed: alike', ...fields });
    const status = result.superseded === true ? 'superseded' : 'succeeded';
    const line = armLine({ status, result });
    expect(line).toContain(story);
    expect(line?.startsWith(`${START}A newer release superseded it. Best`)).toBe(status === 'superseded');
  });

  it('tells that an arm waits for approval, left nothing, or left a Δ', () => {
    expect(armLine({ status: 'running', stage: 'approval' })).toBe(
      `${START}It passed its gate and waits for approval.`,
    );
    expect(armLine({ status: 'superseded' })).toBe(
      `${START}A newer release superseded it before it had trained anything.`,
    );
    expect(armLine({ status: 'superseded', result: makeResult() })).toContain('its Δ holds 100 fine-tuning steps.');
  });

  it('tells nothing of a gate for a control arm', () => {
    expect(armLine({ status: 'succeeded', result: makeResult() })).not.toContain('gate');
  });

  it('calls the first arm the production arm, also when the lineage has another strategy by now', () => {
    const arms = [makeArm({ arm: 'plain', sourceReason: 'one' }), makeArm({ sourceReason: 'two' })];
    const lines = storyOf(makeState([entryOf(2, 'running', arms)])).filter((line) => line.startsWith('- '));
    expect(lines).toEqual(['- plain (production): one. It has not begun.', '- iterative: two. It has not begun.']);
  });
});

describe('the rest of the story', () => {
  it('says when the release was seen, where, and what it is pinned as', () => {
    expect(storyOf(makeState([entryOf(2, 'waiting')]))).toEqual([
      'M2 waits: it is next.',
      `It was first seen 2026-05-01 10:00 UTC at file:///models/family/M2, and is pinned as ${digestOf('M2').slice(0, 12)}.`,
    ]);
  });

  it('has the orders about this release only, its retries, and the record that compares its arms', () => {
    const log = ['pause', 'retry M2', 'retry M12', 'cancel M2'].map((what) => ({ ...ORDER, at: AT, what }));
    const entry = { ...entryOf(2, 'cancelled', oneArm({})), retries: 2, recordDigest: digestOf('comparison') };
    expect(storyOf(makeState([entry], { log })).slice(2)).toEqual([
      'It was retried 2 times.',
      `${START}It has not begun.`,
      'Orders:',
      '  2026-05-01 10:00 UTC  ada: retry M2 (cluster maintenance)',
      '  2026-05-01 10:00 UTC  ada: cancel M2 (cluster maintenance)',
      `Its arms are compared in record ${digestOf('comparison').slice(0, 12)}.`,
    ]);
    expect(storyOf(makeState([{ ...entry, retries: 1 }]))[2]).toBe('It was retried once.');
  });
});
