import { describe, expect, it } from 'vitest';
import { LAST_PORT, wholeNumber } from '../../cli/numbers.ts';

const read = (value: string | boolean | undefined, least = 1, most?: number): number =>
  wholeNumber({ options: { slots: value } }, 'slots', least, most);

describe('a whole number in an option', () => {
  it('is read from its digits', () => {
    expect(read('1')).toBe(1);
    expect(read('0042')).toBe(42);
    expect(read('0', 0)).toBe(0);
    expect(read('65535', 0, LAST_PORT)).toBe(65_535);
  });

  it.each(['0', '-1', '1.5', '1e3', '0x10', '', ' 1', 'two', '9007199254740993', undefined, true])(
    'is not %j',
    (value) => {
      expect(() => read(value)).toThrow(`--slots is \`${String(value)}\`, expected a whole number of at least 1.`);
    },
  );

  it('is not more than it may be', () => {
    expect(() => read('65536', 0, LAST_PORT)).toThrow('--slots is `65536`, expected a whole number from 0 to 65535.');
  });
});
