import { describe, expect, it } from 'vitest';
import { UsageError } from '../../../cli/command.ts';
import { neededOptions } from '../../../cli/weights/needed-options.ts';
import { readDtype } from '../../../cli/weights/read-dtype.ts';
import { readSelection, readShape, readThreads } from '../../../cli/weights/work-options.ts';

describe('the selection on a command line', () => {
  it('has every pattern in the order given', () => {
    const options = {
      scale: ['a=0.5', 'b=2'],
      include: ['a', 'b'],
      exclude: ['c'],
    };
    expect(readSelection({ options })).toEqual({
      scales: [
        { pattern: 'a', scale: 0.5 },
        { pattern: 'b', scale: 2 },
      ],
      include: ['a', 'b'],
      exclude: ['c'],
    });
  });

  it('says nothing of what was not given', () => {
    expect(readSelection({ options: {} })).toEqual({});
    expect(readShape({ options: {} })).toEqual({});
    expect(readThreads({ options: {} })).toEqual({});
  });
});

describe('the shape of an output on a command line', () => {
  it('is read, small letters or large', () => {
    const options = { dtype: 'bf16', 'max-shard-size': '2MB' };
    expect(readShape({ options })).toEqual({ dtype: 'BF16', maxShardBytes: 2_000_000 });
    expect(['F16', 'f32', 'F64'].map((name) => readDtype('--dtype', name))).toEqual(['F16', 'F32', 'F64']);
  });

  it.each(['', 'bfloat16', 'I8', 'toString'])('has no dtype %j', (name) => {
    expect(() => readDtype('--dtype', name)).toThrow(
      new UsageError(`--dtype is \`${name}\`, expected one of BF16, F16, F32, F64.`),
    );
  });
});

describe('the threads on a command line', () => {
  it('are a whole number of at least one', () => {
    expect(readThreads({ options: { threads: '3' } })).toEqual({ threads: 3 });
    expect(() => readThreads({ options: { threads: '0' } })).toThrow(UsageError);
  });
});

describe('options that a command needs', () => {
  const command = { name: 'copy', examples: ['regraft copy --from a --to b'] };

  it('are given back by name', () => {
    expect(neededOptions({ options: { from: 'a', to: 'b', more: 'c' } }, command, ['from', 'to'])).toEqual({
      from: 'a',
      to: 'b',
    });
  });

  it('are all named where they are missing or empty', () => {
    expect(() => neededOptions({ options: { from: '' } }, command, ['from', 'to'])).toThrow(
      new UsageError('regraft copy: --from and --to are missing; for example: regraft copy --from a --to b'),
    );
    expect(() => neededOptions({ options: { from: 'a' } }, command, ['from', 'to'])).toThrow(
      'regraft copy: --to is missing; for example',
    );
  });
});
