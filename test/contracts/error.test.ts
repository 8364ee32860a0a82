import { describe, expect, it } from 'vitest';
import { isCodedError, messageOf, RegraftError } from '../../contracts/error.ts';
import { QUEUE_CLASSES, taskQueue } from '../../contracts/task-queues.ts';
import { WeightsError } from '../../weights/index.ts';

describe('RegraftError', () => {
  it('is final and without details unless told otherwise', () => {
    expect(new RegraftError('CODE', 'A sentence.')).toMatchObject({
      name: 'RegraftError',
      code: 'CODE',
      message: 'A sentence.',
      retryable: false,
      details: {},
    });
  });

  it('carries what it was told, and a subclass its own name', () => {
    class DiskFull extends RegraftError {}
    const cause = new Error('ENOSPC');
    const error = new DiskFull('DISK_FULL', 'No room.', { retryable: true, details: { freeBytes: 0 }, cause });
    expect(error).toMatchObject({ name: 'DiskFull', retryable: true, details: { freeBytes: 0 }, cause });
  });
});

describe('isCodedError', () => {
  it('knows the service’s errors and the engines’ alike', () => {
    expect(isCodedError(new RegraftError('CODE', ''))).toBe(true);
    expect(isCodedError(new WeightsError('WEIGHTS_ABORTED', ''))).toBe(true);
  });

  it.each([
    ['a plain error', new Error('x')],
    ['a file-system error', Object.assign(new Error('x'), { code: 'ENOENT' })],
    ['an object of the shape that is no error', { code: 'C', retryable: true, details: {} }],
    ['nothing', null],
  ])('does not take %s for one', (_what, value) => {
    expect(isCodedError(value)).toBe(false);
  });
});

describe('messageOf', () => {
  it('finds words for anything thrown', () => {
    expect([messageOf(new Error('a')), messageOf('b'), messageOf(undefined)]).toEqual(['a', 'b', 'undefined']);
  });
});

describe('taskQueue', () => {
  it('gives every class a queue of its own', () => {
    expect(QUEUE_CLASSES.map(taskQueue)).toEqual([
      'regraft-control',
      'regraft-io',
      'regraft-cpu',
      'regraft-gpu',
      'regraft-evaluate',
    ]);
  });
});
