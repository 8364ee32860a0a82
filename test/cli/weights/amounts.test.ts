import { describe, expect, it } from 'vitest';
import { bytesText, countedText, durationText, ratioText, shareText } from '../../../cli/weights/amounts.ts';

describe('amounts for people', () => {
  it('are bytes in the largest unit that fits', () => {
    expect([0, 999, 1000, 1.5e6, 2.468e9, 1.4e12].map(bytesText)).toEqual([
      ...['0 B', '999 B', '1.0 kB', '1.5 MB', '2.47 GB', '1400.00 GB'],
    ]);
  });

  it('are counts with their noun', () => {
    expect([countedText(1, 'tensor'), countedText(0, 'tensor'), countedText(1234, 'tensor')]).toEqual([
      ...['1 tensor', '0 tensors', '1,234 tensors'],
    ]);
  });

  it('are shares of a whole, and none of nothing', () => {
    expect([shareText(1, 3), shareText(0, 5), shareText(5, 5), shareText(0, 0)]).toEqual([
      ...['33.3 %', '0.0 %', '100.0 %', '–'],
    ]);
  });

  it('are ratios with three digits, and a dash where there is none', () => {
    expect([ratioText(0.0123456), ratioText(0), ratioText(12), ratioText(0.00000123456), ratioText(null)]).toEqual([
      ...['1.23 %', '0 %', '1200 %', '0.000123 %', '–'],
    ]);
  });

  it('are seconds, minutes and hours', () => {
    expect([0, 1.26, 59.9, 60, 61.6, 3599.7, 3600, 7260].map(durationText)).toEqual([
      ...['0.0 s', '1.3 s', '59.9 s', '1 min 0 s', '1 min 2 s', '1 h 0 min', '1 h 0 min', '2 h 1 min'],
    ]);
  });
});
