import { describe, expect, it } from 'vitest';
import { InterruptedError } from '../../cli/command.ts';
import { waitBeside } from '../../cli/wait-beside.ts';

const never = (): Promise<never> => new Promise(() => undefined);
const listeners = (): readonly number[] => [process.listenerCount('SIGINT'), process.listenerCount('SIGTERM')];

describe('waiting for what is done elsewhere', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)('ends at %s, and says what goes on', async (name) => {
    const before = listeners();
    const waiting = waitBeside('the transfer', never);
    process.emit(name);
    await expect(waiting).rejects.toBeInstanceOf(InterruptedError);
    await expect(waiting).rejects.toMatchObject({
      code: 'INTERRUPTED',
      message: 'Stopped waiting: the transfer goes on, and the same command waits for it again.',
    });
    expect(listeners()).toEqual(before);
  });

  it('gives the answer, or why there is none, as it is', async () => {
    expect(await waitBeside('it', () => Promise.resolve(7))).toBe(7);
    await expect(waitBeside('it', () => Promise.reject(new Error('no')))).rejects.toThrow(/^no$/);
  });
});
