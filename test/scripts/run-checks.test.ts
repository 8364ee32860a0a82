import { expect, it } from 'vitest';
import { mapAtATime } from '../../scripts/lib/run-checks.mjs';

it('has two at work at a time and keeps the order of the items', async () => {
  let atWork = 0;
  let most = 0;
  const results = await mapAtATime([30, 1, 10, 5], 2, async (delayMs: number) => {
    atWork += 1;
    most = Math.max(most, atWork);
    await new Promise((resolve) => setTimeout(resolve, delayMs));
    atWork -= 1;
    return delayMs * 2;
  });
  expect(results).toEqual([60, 2, 20, 10]);
  expect(most).toBe(2);
});
