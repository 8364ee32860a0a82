import { describe, expect, it } from 'vitest';
import { sparkline } from '../../../cli/report/sparkline.ts';

const SCALE = { least: 0, most: 1 };

describe('sparkline', () => {
  it('draws one bar a value, lowest to highest', () => {
    expect(sparkline([0, 1 / 7, 2 / 7, 3 / 7, 4 / 7, 5 / 7, 6 / 7, 1], SCALE)).toBe('▁▂▃▄▅▆▇█');
  });

  it('draws what lies outside the scale at its end', () => {
    expect(sparkline([-1, 2], SCALE)).toBe('▁█');
  });

  it('draws a scale without height as the lowest bar, and nothing for no value', () => {
    expect(sparkline([5, 5], { least: 5, most: 5 })).toBe('▁▁');
    expect(sparkline([], SCALE)).toBe('');
  });
});
