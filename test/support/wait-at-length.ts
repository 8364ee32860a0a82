import { waitFor } from '../../drills/lab/wait-for.ts';

/** As `waitUntil`, for whole processes on a busy machine: fails by name after three minutes. */
export async function waitAtLength<Value>(
  what: string,
  ask: () => Promise<Value | null | false>,
  everyMs = 10,
): Promise<Value> {
  return waitFor(what, ask, { everyMs });
}
