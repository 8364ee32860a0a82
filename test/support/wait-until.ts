import { setTimeout } from 'node:timers/promises';

/** Asks again and again until the answer is neither null nor false; fails by name after ten seconds. */
export async function waitUntil<Value>(what: string, ask: () => Promise<Value | null | false>): Promise<Value> {
  for (let waitedMs = 0; waitedMs < 10_000; waitedMs += 10) {
    const answer = await ask();
    if (answer !== null && answer !== false) return answer;
    await setTimeout(10);
  }
  throw new Error(`waited ten seconds in vain until ${what}`);
}
