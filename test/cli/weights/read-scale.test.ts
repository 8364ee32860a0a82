import { describe, expect, it } from 'vitest';
import { UsageError } from '../../../cli/command.ts';
import { readDeltaTerm, readPatternScale, readScale } from '../../../cli/weights/read-scale.ts';

describe('a λ in an option', () => {
  it.each([
    ['1', 1],
    ['0', 0],
    ['0.5', 0.5],
    ['.5', 0.5],
    ['-0.25', -0.25],
    ['+2', 2],
    ['1e-3', 0.001],
  ])('is read from %j', (text, value) => {
    expect(readScale('--lambda', text)).toBe(value);
  });

  it.each(['', ' ', 'one', '1,5', '0x10', 'NaN', 'Infinity', '1e999', '1 ', '--1', '.'])('is not %j', (text) => {
    expect(() => readScale('--lambda', text)).toThrow(
      new UsageError(`--lambda is \`${text}\`, expected a number such as 1, 0.5 or -0.25.`),
    );
  });
});

describe('a λ for some tensors', () => {
  it('is parted from its pattern at the last equals sign', () => {
    expect(readPatternScale('--scale', 'lm_head.weight=0.5')).toEqual({ pattern: 'lm_head.weight', scale: 0.5 });
    expect(readPatternScale('--scale', '(?=a)a.*=-1')).toEqual({ pattern: '(?=a)a.*', scale: -1 });
  });

  it.each(['lm_head.weight', '=0.5', 'lm_head.weight=', 'lm_head.weight=half', ''])('is not %j', (text) => {
    expect(() => readPatternScale('--scale', text)).toThrow(
      new UsageError(`--scale is \`${text}\`, expected PATTERN=SCALE such as 'model\\.layers\\..*=0.5'.`),
    );
  });
});

describe('a delta and its λ', () => {
  it.each([
    ['deltas/may', { folder: 'deltas/may', scale: 1 }],
    ['deltas/may=0.5', { folder: 'deltas/may', scale: 0.5 }],
    ['deltas/may=-1', { folder: 'deltas/may', scale: -1 }],
    ['runs/lr=fast', { folder: 'runs/lr=fast', scale: 1 }],
    ['runs/lr=0.1=2', { folder: 'runs/lr=0.1', scale: 2 }],
  ])('are read from %j', (text, term) => {
    expect(readDeltaTerm('--delta', text)).toEqual(term);
  });

  it.each(['', '=0.5'])('are not %j', (text) => {
    expect(() => readDeltaTerm('--delta', text)).toThrow(
      new UsageError(`--delta is \`${text}\`, expected FOLDER or FOLDER=SCALE such as deltas/may=0.5.`),
    );
  });
});
