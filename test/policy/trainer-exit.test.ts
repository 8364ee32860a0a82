import { describe, expect, it } from 'vitest';
import { classOfCode, INCOMPLETE, LOST, STALLED, STOPPED, trainerEnd } from '../../policy/trainer-exit.ts';

const REASONS = ['preempted', 'time-limit', 'node-failure', 'out-of-memory', 'cancelled'] as const;

describe('the end of a trainer', () => {
  it.each([
    [0, 'done', null],
    [64, 'refused', 'TRAINER_CONFIG_INVALID'],
    [65, 'refused', 'TRAINER_DATA_INVALID'],
    [70, 'diverged', 'TRAINER_DIVERGED'],
    [71, 'out-of-memory', 'TRAINER_OUT_OF_MEMORY'],
    [73, 'infrastructure', 'TRAINER_DISK_FULL'],
    [75, 'preempted', 'TRAINER_PREEMPTED'],
    [76, 'infrastructure', 'TRAINER_SUPERSEDED'],
    [1, 'infrastructure', 'TRAINER_FAILED'],
    [127, 'infrastructure', 'TRAINER_FAILED'],
    [128, 'infrastructure', 'TRAINER_FAILED'],
    [129, 'infrastructure', 'TRAINER_KILLED'],
    [137, 'infrastructure', 'TRAINER_KILLED'],
    [143, 'infrastructure', 'TRAINER_KILLED'],
    [null, 'infrastructure', 'TRAINER_KILLED'],
  ])('by exit code %s is of class %s with code %s', (exitCode, endClass, code) => {
    expect(trainerEnd(exitCode, null)).toMatchObject({ class: endClass, code });
  });

  it.each([
    ['preempted', 'preempted', 'TRAINER_PREEMPTED'],
    ['time-limit', 'preempted', 'TRAINER_TIME_LIMIT'],
    ['node-failure', 'infrastructure', 'TRAINER_NODE_FAILED'],
    ['out-of-memory', 'out-of-memory', 'TRAINER_OUT_OF_MEMORY'],
    ['cancelled', 'preempted', 'TRAINER_CANCELLED'],
  ] as const)('that only its launcher can tell, %s, is of class %s with code %s', (reason, endClass, code) => {
    for (const exitCode of [null, 137, 143, 1, 75]) {
      expect(trainerEnd(exitCode, reason)).toMatchObject({ class: endClass, code });
    }
  });

  it.each([0, 64, 65, 70, 71, 73, 76])('that it said itself, %i, stands whatever its launcher knows', (exitCode) => {
    for (const reason of REASONS) expect(trainerEnd(exitCode, reason)).toEqual(trainerEnd(exitCode, null));
  });

  it.each([
    [3, 'ended with exit code 3'],
    [137, 'was ended by signal 9'],
    [143, 'was ended by signal 15'],
    [null, 'was killed and left no exit code'],
  ])('by %s is put in words: %s', (exitCode, meaning) => {
    expect(trainerEnd(exitCode, null).meaning).toBe(meaning);
  });
});

describe('a code in a ledger', () => {
  it('leads back to the class of the end that it was kept for, every one of them', () => {
    const codes = [null, ...Array.from({ length: 256 }, (_, code) => code)];
    const seen = [
      ...codes.flatMap((code) => [trainerEnd(code, null), ...REASONS.map((reason) => trainerEnd(code, reason))]),
      ...[STALLED, STOPPED, INCOMPLETE, LOST],
    ];
    expect(new Set(seen.map(({ code }) => code)).size).toBe(17);
    for (const end of seen) expect([end.code, classOfCode(end.code)]).toEqual([end.code, end.class]);
  });

  it('of a later version is something that another try may mend', () => {
    expect(classOfCode('TRAINER_FROM_TOMORROW')).toBe('infrastructure');
  });
});
