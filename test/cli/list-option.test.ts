import { describe, expect, it } from 'vitest';
import { listOption } from '../../cli/list-option.ts';

describe('a repeatable option', () => {
  it('has its values in the order given', () => {
    expect(listOption({ options: { delta: ['b', 'a', ''] } }, 'delta')).toEqual(['b', 'a', '']);
  });

  it('has no value where it was not given', () => {
    expect(listOption({ options: {} }, 'delta')).toEqual([]);
  });
});
