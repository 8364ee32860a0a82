import { describe, expect, it } from 'vitest';
import { barrierNats } from '../../../policy/connectivity/barrier.ts';

const line = (...losses: readonly number[]) =>
  losses.map((lossNats, index) => ({ at: index / (losses.length - 1), lossNats }));

describe('barrierNats', () => {
  it('is the highest rise above the straight line between the ends', () => {
    expect(barrierNats(line(1, 3, 2, 1, 1))).toBe(2);
    expect(barrierNats(line(2, 2.5, 1))).toBe(1); // the line passes 1.5 in the middle
  });

  it('is 0 where the loss never rises above that line', () => {
    expect(barrierNats(line(3, 1, 1))).toBe(0);
    expect(barrierNats(line(1, 1))).toBe(0);
  });

  it('refuses a line without two ends', () => {
    expect(() => barrierNats([])).toThrow('a line has two ends');
    expect(() => barrierNats([{ at: 0, lossNats: 1 }])).toThrow('a line has two ends');
  });
});
