import { setTimeout } from 'node:timers/promises';
import { RegraftError } from '../../contracts/error.ts';

/**
 * Asks again and again until the answer is neither null nor false. `what` goes on from "Waited … in vain until".
 * @throws RegraftError DRILL_TIMED_OUT
 */
export async function waitFor<Value>(
  what: string,
  ask: () => Promise<Value | null | false>,
  { everyMs = 20, withinMs = 180_000 }: { readonly everyMs?: number; readonly withinMs?: number } = {},
): Promise<Value> {
  const deadline = performance.now() + withinMs;
  while (performance.now() < deadline) {
    const answer = await ask();
    if (answer !== null && answer !== false) return answer;
    await setTimeout(everyMs);
  }
  throw new RegraftError('DRILL_TIMED_OUT', `Waited ${String(withinMs / 1000)} s in vain until ${what}.`);
}
