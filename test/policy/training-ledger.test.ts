import { describe, expect, it } from 'vitest';
import type { Continuity } from '../../contracts/training-ledger.schema.ts';
import {
  beginAttempt,
  commitCheckpoint,
  EMPTY_LEDGER,
  endAttempt,
  forgetStates,
  noteContinuity,
  noteRejected,
  stepsLost,
  takeOver,
  trainedSeconds,
} from '../../policy/training-ledger.ts';
import { AT, digestOf, makeAttempt, makeAttemptBegin, makeCommitted } from '../support/lineage-values.ts';

function compared(verdict: 'verified' | 'broken', comparedSteps: number): Continuity {
  return { verdict, comparedSteps, tolerance: 0, firstDifference: null };
}

/** A training of which attempt 1 committed 25, 50 and 75. */
const TRAINED = [25, 50, 75].reduce(
  (ledger, step) => commitCheckpoint(ledger, makeCommitted(step, 1)),
  beginAttempt(takeOver(EMPTY_LEDGER, 'host-1/1'), makeAttemptBegin(0)),
);

describe('taking over', () => {
  it('raises the token by one and changes nothing else, also for one who had it already', () => {
    expect(takeOver(TRAINED, 'host-2/1')).toEqual({ ...TRAINED, token: 2, holder: 'host-2/1' });
    expect(takeOver(takeOver(TRAINED, 'host-1/1'), 'host-1/1').token).toBe(3);
  });
});

describe('a new attempt', () => {
  it('drops the checkpoints beyond its beginning and keeps what their steps were', () => {
    const resumed = beginAttempt(takeOver(TRAINED, 'host-2/1'), makeAttemptBegin(25));
    expect(resumed.checkpoints.map(({ step }) => step)).toEqual([25]);
    expect(resumed.attempts.at(-1)).toMatchObject({
      attempt: 2,
      token: 2,
      atStep: 25,
      replaces: [digestOf('curve 1 at 50'), digestOf('curve 1 at 75')],
      ...{ furthestStep: 0, broughtCheckpoint: false, continuity: null, end: null },
    });
    expect(resumed.starts).toEqual([
      { how: 'started', atStep: 0 },
      { how: 'resumed', atStep: 25 },
    ]);
  });

  it('at the start model has started, whatever there was before', () => {
    const again = beginAttempt(TRAINED, makeAttemptBegin(0));
    expect([again.starts.at(-1), again.checkpoints]).toEqual([{ how: 'started', atStep: 0 }, []]);
  });
});

describe('a checkpoint', () => {
  const resumed = beginAttempt(TRAINED, makeAttemptBegin(25));

  it('again of the same step replaces the first', () => {
    const again = { ...makeCommitted(50, 1), modelDigest: digestOf('another model') };
    const { checkpoints } = commitCheckpoint(TRAINED, again);
    expect(checkpoints).toEqual([makeCommitted(25, 1), again, makeCommitted(75, 1)]);
  });

  it('is progress only beyond the furthest that any attempt came', () => {
    const at75 = commitCheckpoint(resumed, makeCommitted(75, 2));
    expect(at75.attempts.at(-1)).toMatchObject({ furthestStep: 75, broughtCheckpoint: false });
    const at100 = commitCheckpoint(at75, makeCommitted(100, 2));
    expect(at100.attempts.at(-1)).toMatchObject({ furthestStep: 100, broughtCheckpoint: true });
    expect(at100.attempts[0]).toEqual(TRAINED.attempts[0]);
  });

  it('stays committed when its full state is removed', () => {
    const { checkpoints } = forgetStates(TRAINED, ['state 25', 'state 75', 'state 1000']);
    expect(checkpoints.map(({ step, state }) => [step, state])).toEqual([
      [25, null],
      [50, 'state 50'],
      [75, null],
    ]);
  });
});

describe('what is noted of an attempt', () => {
  it('goes to the newest one, problems one after the other, verdicts one for the other', () => {
    const [torn, flipped] = [
      { step: 50, why: 'torn' },
      { step: 75, why: 'flipped' },
    ];
    const noted = noteRejected(noteRejected(beginAttempt(TRAINED, makeAttemptBegin(25)), [torn]), [flipped]);
    expect(noted.attempts.map(({ rejected }) => rejected)).toEqual([[], [torn, flipped]]);
    const judged = noteContinuity(noteContinuity(noted, compared('verified', 3)), compared('broken', 4));
    expect(judged.attempts.map(({ continuity }) => continuity?.verdict ?? null)).toEqual([null, 'broken']);
  });

  it('is nothing where there was no attempt', () => {
    expect(noteRejected(EMPTY_LEDGER, [{ step: 1, why: '' }])).toEqual(EMPTY_LEDGER);
    expect(noteContinuity(EMPTY_LEDGER, compared('verified', 1))).toEqual(EMPTY_LEDGER);
    expect(endAttempt(EMPTY_LEDGER, { code: null, lastStep: 1, at: AT })).toEqual(EMPTY_LEDGER);
  });
});

describe('the steps that were lost', () => {
  const of = (...attempts: readonly (readonly [atStep: number, lastStep: number | null])[]): number =>
    stepsLost(
      attempts.map(([atStep, lastStep]) =>
        makeAttempt({ atStep, end: lastStep === null ? null : { code: 'TRAINER_KILLED', lastStep, at: AT } }),
      ),
    );

  it.each([
    ['none by the first attempt', [[0, 60]], 0],
    [
      'those since the checkpoint',
      [
        [0, 60],
        [50, 100],
      ],
      10,
    ],
    [
      'none after a save on request',
      [
        [0, 60],
        [60, 100],
      ],
      0,
    ],
    [
      'those of every resume',
      [
        [0, 60],
        [50, 58],
        [50, 110],
        [75, 150],
      ],
      10 + 8 + 35,
    ],
    [
      'none that are known where nobody saw the end',
      [
        [25, null],
        [25, 100],
      ],
      0,
    ],
    [
      'all where it began anew',
      [
        [0, 60],
        [0, 100],
      ],
      60,
    ],
    [
      'none where a death came before the first step',
      [
        [0, 50],
        [50, 0],
        [50, 100],
      ],
      0,
    ],
  ] as const)('are %s', (_claim, attempts, lost) => {
    expect(of(...attempts)).toBe(lost);
  });
});

describe('seconds trained', () => {
  const at = (minute: number): string => `2026-05-01T10:${String(minute).padStart(2, '0')}:00.000Z`;
  /** Attempts by the minutes of their beginning and end; null: not known. */
  const of = (...attempts: readonly (readonly [from: number | null, to: number | null])[]): number =>
    trainedSeconds(
      attempts.map(([from, to]) => ({
        ...makeAttempt({ end: to === null ? null : { code: 'TRAINER_KILLED', lastStep: 0, at: at(to) } }),
        begunAt: from === null ? undefined : at(from),
      })),
      at(30),
    );

  it.each<[string, readonly (readonly [number | null, number | null])[], number]>([
    ['none before there is an attempt', [], 0],
    ['those of one that ended', [[0, 10]], 600],
    ['those until now of one that runs', [[20, null]], 600],
    [
      'those of all, the time between them left out',
      [
        [0, 10],
        [15, 20],
        [28, null],
      ],
      1020,
    ],
    [
      'those until the next began where nobody saw the end',
      [
        [0, null],
        [5, 6],
      ],
      360,
    ],
    ['none of an attempt of before its beginning was kept', [[null, 10]], 0],
    [
      'those until now where the next one’s beginning is not known either',
      [
        [10, null],
        [null, null],
      ],
      1200,
    ],
    ['never less than none, though clocks of two machines disagree', [[10, 5]], 0],
  ])('are %s', (_claim, attempts, seconds) => {
    expect(of(...attempts)).toBe(seconds);
  });
});
