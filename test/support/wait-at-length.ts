import { setTimeout } from 'node:timers/promises';

/** As `waitUntil`, for whole processes on a busy machine: fails by name after three minutes. */
export async function waitAtLength<Value>(
  what: string,
  ask: () => Promise<Value | null | false>,
  everyMs = 10,
): Promise<Value> {
  const deadline = performance.now() + 180_000;
  while (performance.now() < deadline) {
    const answer = await ask();
    if (answer !== null && answer !== false) return answer;
    await setTimeout(everyMs);
  }
  throw new Error(`waited three minutes in vain until ${what}`);
}
