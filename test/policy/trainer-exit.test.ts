import { describe, expect, it } from 'vitest';
import { trainerEnd } from '../../policy/trainer-exit.ts';

describe('trainerEnd', () => {
  it('takes 0 for done', () => {
    expect(trainerEnd(0)).toEqual({ kind: 'done' });
  });

  it.each([
    [64, 'TRAINER_CONFIG_INVALID', false],
    [65, 'TRAINER_DATA_INVALID', false],
    [70, 'TRAINER_DIVERGED', false],
    [71, 'TRAINER_OUT_OF_MEMORY', false],
    [75, 'TRAINER_PREEMPTED', true],
    [1, 'TRAINER_FAILED', true],
    [137, 'TRAINER_FAILED', true],
    [143, 'TRAINER_FAILED', true],
    [null, 'TRAINER_KILLED', true],
  ])('reads exit code %s as %s, retryable: %s', (exitCode, code, retryable) => {
    expect(trainerEnd(exitCode)).toMatchObject({ kind: 'failed', code, retryable });
  });

  it('names an exit code that the contract does not have', () => {
    expect(trainerEnd(3)).toMatchObject({ meaning: 'ended with exit code 3' });
  });
});
