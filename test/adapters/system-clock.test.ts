import { describe, expect, it } from 'vitest';
import { createSystemClock } from '../../adapters/system-clock.ts';

describe('the system clock', () => {
  it('sleeps as long as it is told', async () => {
    const clock = createSystemClock();
    const before = clock.now().getTime();
    await clock.sleep(30, new AbortController().signal);
    expect(clock.now().getTime() - before).toBeGreaterThanOrEqual(28);
  });

  it('wakes with an error when its signal fires, at once when it had fired before', async () => {
    const controller = new AbortController();
    const sleeping = createSystemClock().sleep(60_000, controller.signal);
    controller.abort();
    await expect(sleeping).rejects.toThrow('aborted');
    await expect(createSystemClock().sleep(60_000, controller.signal)).rejects.toThrow('aborted');
  });
});
