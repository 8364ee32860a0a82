import { describe, expect, it } from 'vitest';
import { abortable } from '../../../cli/weights/abortable.ts';

const listeners = (): readonly number[] => [process.listenerCount('SIGINT'), process.listenerCount('SIGTERM')];

describe('work that a signal aborts', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)('is told of %s once, and waited for', async (name) => {
    const before = listeners();
    const seen: string[] = [];
    const result = await abortable(
      async (signal) => {
        expect(signal.aborted).toBe(false);
        process.emit(name);
        seen.push(`aborted ${String(signal.aborted)}`);
        // Now a second one meets what it would have met without us: nothing that holds it back.
        expect(listeners()).toEqual(before);
        await Promise.resolve();
        seen.push('stopped in order');
        return 7;
      },
      () => seen.push('told'),
    );
    expect(result).toBe(7);
    expect(seen).toEqual(['told', 'aborted true', 'stopped in order']);
  });

  it('leaves nothing behind when no signal comes, whether it succeeds or fails', async () => {
    const before = listeners();
    const told: string[] = [];
    const during = await abortable(
      () => Promise.resolve(listeners()),
      () => told.push('told'),
    );
    expect(during).toEqual(before.map((count) => count + 1));
    const failing = abortable(
      () => Promise.reject(new Error('no')),
      () => told.push('told'),
    );
    await expect(failing).rejects.toThrow('no');
    expect(listeners()).toEqual(before);
    expect(told).toEqual([]);
  });
});
