import { describe, expect, it } from 'vitest';
import type { CaseId } from '../../../../scripts/bench/weights/case-ids.ts';
import { judgeReaches, type Mark } from '../../../../scripts/bench/weights/reaches.ts';
import type { BenchRow } from '../../../../scripts/bench/weights/row.ts';

/** Seconds of each case, as measured; every one of ours is exact and small unless `changes` say otherwise. */
const rows = (seconds: Partial<Record<CaseId, number[]>>, changes: Partial<BenchRow> = {}): readonly BenchRow[] =>
  Object.entries(seconds).map(([id, wallSeconds]) => ({
    case: id as CaseId,
    tool: 'a tool',
    wallSeconds,
    peakBytes: 100e6,
    valuesOff: 0,
    ...changes,
  }));
const marks = (list: readonly BenchRow[], judgesTimes = true): Record<string, Mark> =>
  Object.fromEntries(judgeReaches(list, { judgesTimes }).map(({ reach, mark }) => [reach, mark]));

const MET = {
  cat: [1.6],
  cp: [1.1],
  sha256sum: [3],
  'sha256-openssl': [1.9],
  recycle: [1.5, 1.5, 90],
  'recycle-default': [3],
  mergekit: [15],
  'whole-model': [30],
  'recycle-4x': [12],
  'plan-70b': [0.3],
} as const;
const measured = (changed: Partial<Record<CaseId, number[]>>): Partial<Record<CaseId, number[]>> => ({
  ...Object.fromEntries(Object.entries(MET).map(([id, seconds]) => [id, [...seconds]])),
  ...changed,
});

describe('the numbers to reach', () => {
  it('judges times by medians, and a time just at its limit as met', () => {
    const found = marks(rows(measured({})));
    expect(Object.values(found)).toHaveLength(13);
    expect(new Set(Object.values(found))).toEqual(new Set(['met']));
  });

  it.each<[CaseId, number, string]>([
    ['recycle', 2.71, 'recycle: no slower than cat + cp'],
    ['recycle', 1.51, 'recycle: 10× as fast as mergekit'],
    ['recycle', 1.51, 'recycle: 20× as fast as whole-model'],
    ['recycle-default', 5.71, 'recycle-default: no slower than cat + cp + sha256sum'],
    ['recycle-default', 4.61, 'recycle-default: no slower than cat + cp + sha256-openssl'],
    ['recycle-default', 3.01, 'recycle-default: 5× as fast as mergekit'],
    ['plan-70b', 0.301, 'plan-70b: in 300 ms'],
  ])('marks %s at %f s as missed in "%s"', (id, seconds, reach) => {
    expect(marks(rows(measured({ [id]: [seconds] })))[reach]).toBe('MISSED');
  });

  it('marks one byte too many and one value off as missed', () => {
    const ours = { recycle: [1], 'recycle-default': [1], 'recycle-4x': [1] };
    const missed = (list: readonly BenchRow[]): readonly string[] =>
      Object.entries(marks(list)).flatMap(([reach, mark]) => (mark === 'MISSED' ? [reach] : []));
    expect(missed(rows(ours, { peakBytes: 256e6, valuesOff: 0 }))).toEqual([]);
    expect(missed(rows(ours, { peakBytes: 256e6 + 1 }))).toEqual(
      Object.keys(ours).map((id) => `${id}: peak memory at most 256 MB`),
    );
    expect(missed(rows(ours, { valuesOff: 1 }))).toEqual(Object.keys(ours).map((id) => `${id}: no value off`));
    expect(missed(rows(ours, { valuesOff: null }))).toEqual(Object.keys(ours).map((id) => `${id}: no value off`));
  });

  it('shows times of small models without judging them, memory and values it judges', () => {
    const slow = rows({ cat: [0.01], cp: [0.01], recycle: [1] });
    const verdicts = judgeReaches(slow, { judgesTimes: false });
    expect(verdicts[0]).toEqual({
      reach: 'recycle: no slower than cat + cp',
      mark: 'not judged',
      found: '50.00× (1.00 s beside 0.02 s)',
    });
    expect(marks(slow, false)['recycle: peak memory at most 256 MB']).toBe('met');
  });

  it('says which reaches lack a case, and judges none by half a limit', () => {
    const found = marks(rows({ recycle: [1], cat: [5] }));
    expect(found['recycle: no slower than cat + cp']).toBe('not measured');
    expect(found['recycle-4x: no value off']).toBe('not measured');
    expect(found['recycle: no value off']).toBe('met');
  });
});
