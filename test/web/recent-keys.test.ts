import { describe, expect, it } from 'vitest';
import { RecentKeys } from '../../web/recent-keys.ts';

describe('recent keys', () => {
  it('are known when every one of them was added', () => {
    const keys = new RecentKeys(10);
    keys.add(['a', 'b']);
    expect(keys.hasAll(['a', 'b'])).toBe(true);
    expect(keys.hasAll(['a', 'c'])).toBe(false);
  });

  it('are forgotten oldest first, and one that is added again counts as new', () => {
    const keys = new RecentKeys(2);
    keys.add(['a', 'b']);
    keys.add(['a', 'c']);
    expect([keys.hasAll(['a']), keys.hasAll(['b']), keys.hasAll(['c'])]).toEqual([true, false, true]);
    expect(keys.size).toBe(2);
  });
});
