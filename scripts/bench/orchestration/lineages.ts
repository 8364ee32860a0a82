import { setTimeout } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { isCodedError } from '../../../contracts/error.ts';
import type { LineageSpec } from '../../../contracts/lineage-spec.schema.ts';
import type { LineageState, Order } from '../../../contracts/lineage-state.ts';
import { say } from '../say.ts';
import { inParallel } from './in-parallel.ts';
import type { Place } from './place.ts';

/** Requests of the client that are under way at one time. */
export const REQUESTS_AT_A_TIME = 10;

const LOOK_EVERY_MS = 500;
/** Each step takes seconds at most; on a machine that does much else minutes. */
const STALLED_MS = 180_000;
const ORDER: Order = { actor: 'bench', reason: 'measures what orchestration costs' };
const LOOKED = `WorkflowType = 'watchFamily' AND ExecutionStatus = 'Completed'`;
/** Each waits thirty seconds for its answer. */
const MOST_TRIES = 5;

/** Makes requests of the service again that were not answered in time, and counts them; everything else that fails, fails. */
export class Requests {
  #unanswered = 0;

  get unanswered(): number {
    return this.#unanswered;
  }

  async make<Answer>(request: () => Promise<Answer>): Promise<Answer> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await request();
      } catch (error) {
        if (!isCodedError(error) || error.code !== 'LINEAGE_NOT_ANSWERING' || tries === MOST_TRIES) throw error;
        this.#unanswered += 1;
      }
    }
  }
}

/** Applies all specs and waits until each watch has looked once; returns the seconds that it took. */
export async function declareAll(
  { client, lineages }: Place,
  specs: readonly LineageSpec[],
  requests: Requests,
): Promise<number> {
  const startedMs = Date.now();
  await inParallel(REQUESTS_AT_A_TIME, specs, (spec) => requests.make(() => lineages.apply(spec, ORDER)));
  await untilCounted(client, LOOKED, specs.length, 'watches have looked');
  return (Date.now() - startedMs) / 1000;
}

/**
 * Waits until Temporal's own list has that many workflows, which none of them has to answer for; says how far it is.
 * @param what they are, as in "3 of 20 <what>"
 */
export async function untilCounted(client: Client, query: string, count: number, what: string): Promise<void> {
  const tenthsOf = (found: number): number => Math.floor((10 * found) / count);
  let [found, changedMs] = [0, Date.now()];
  while (found < count) {
    await setTimeout(LOOK_EVERY_MS);
    const now = (await client.workflow.count(query)).count;
    if (tenthsOf(now) > tenthsOf(found)) say(`${now} of ${count} ${what}`);
    if (now > found) [found, changedMs] = [now, Date.now()];
    if (Date.now() - changedMs <= STALLED_MS) continue;
    throw new Error(`${found} of ${count} ${what}, and no more in three minutes, expected all; see temporal.log.`);
  }
}

/** Why a release that was concluded is not what is live, in a sentence; null: it is. */
export function failureOf({ spec, releases, published }: LineageState, release: string): string | null {
  const entry = releases.find(({ release: { name } }) => name === release);
  if (entry?.status === 'succeeded' && published?.release === release) return null;
  const causes = (entry?.arms ?? []).flatMap(({ arm, failure }) =>
    failure === null ? [] : [`${arm}: ${failure.message}`],
  );
  const what = `${release} is ${entry?.status ?? 'unknown'}, ${published?.release ?? 'nothing'} is live`;
  return `Lineage ${spec.name}: ${[what, ...causes].join('; ')}.`;
}
