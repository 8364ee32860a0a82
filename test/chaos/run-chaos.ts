import { setMaxListeners } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { sweepUnfinished } from '../../adapters/store/sweep-unfinished.ts';
import { isCodedError } from '../../contracts/error.ts';
import type { LineageState } from '../../contracts/lineage-state.ts';
import { ARM, ChaosPlace, NAME, STEPS } from './chaos-place.ts';
import { judgeChaos } from './judge-chaos.ts';
import { observeChaos } from './observe-chaos.ts';
import type { Arrival, ChaosPlan, Strike } from './plan-chaos.ts';

const ORDER = { actor: 'the chaos test', reason: 'to see what survives' };
/** Of the Schedule. */
const LOOK_EVERY = '10s';
const ASK_EVERY_MS = 500;
const CONCLUDED_WITHIN_MS = 300_000;

export interface ChaosVerdict {
  readonly seed: number;
  readonly seconds: number;
  /** A sentence for each broken promise; none: all was kept. */
  readonly problems: readonly string[];
}

/** What the parts of a run share. */
interface Stage {
  readonly place: ChaosPlace;
  /** Waits until so many milliseconds have gone by since the beginning. */
  readonly at: (ms: number) => Promise<void>;
  readonly tell: (line: string) => void;
  /** Aborted when all is over, or interrupted. */
  readonly signal: AbortSignal;
}

/**
 * Holds one plan in a folder of its own, which its owner removes. Nothing of it runs when this is over. Rejects when it is
 * interrupted, or when something came to no end.
 */
export async function runChaos(
  plan: ChaosPlan,
  root: string,
  say: (line: string) => void,
  interrupted: AbortSignal = new AbortController().signal,
): Promise<ChaosVerdict> {
  const over = new AbortController();
  const signal = AbortSignal.any([over.signal, interrupted]);
  setMaxListeners(100, signal); // every task waits with it
  const place = await ChaosPlace.create(root, LOOK_EVERY);
  let tasks: readonly Promise<void>[] = [];
  try {
    await place.ask((lineages) => lineages.apply(place.spec, ORDER));
    const begunMs = performance.now();
    const at = (ms: number): Promise<void> =>
      setTimeout(Math.max(0, begunMs + ms - performance.now()), undefined, { signal });
    const seconds = (): number => (performance.now() - begunMs) / 1000;
    const tell = (line: string): void => {
      say(`${seconds().toFixed(1).padStart(6)} s  ${line}`);
    };
    const stage = { place, at, tell, signal };
    tasks = [
      ...plan.arrivals.map((arrival) => arrive(stage, arrival)),
      ...plan.strikes.map((strike) => hit(stage, strike)),
    ];
    await Promise.all(tasks);
    const state = await untilConcluded(stage, plan.arrivals.length);
    tell('every release is concluded');
    return { seed: plan.seed, seconds: seconds(), problems: await judge(plan, place, state) };
  } finally {
    over.abort();
    await place.destroy();
    await Promise.allSettled(tasks);
  }
}

async function judge({ arrivals }: ChaosPlan, place: ChaosPlace, state: LineageState): Promise<readonly string[]> {
  await place.end();
  // What was half-written when its writer was killed is taken away a day later; nobody can wait here for so long.
  await sweepUnfinished(place.root, 0, Date.now() + 1_000);
  const releases = arrivals.map(({ number, good }) => ({ name: nameOf(number), good }));
  return judgeChaos({ releases, arm: ARM, steps: STEPS }, await observeChaos(place, state));
}

function nameOf(number: number): string {
  return `M${String(number)}`;
}

async function arrive({ place, at, tell }: Stage, arrival: Arrival): Promise<void> {
  const name = nameOf(arrival.number);
  await at(arrival.atMs);
  const sha = await place.source.add(arrival);
  tell(`${name} is at its source${arrival.good ? '' : ', and nothing will come of it'}`);
  await Promise.all(
    arrival.toldAtMs.map(async (toldAtMs) => {
      await at(toldAtMs);
      // Nobody answers: it was killed, and a Hub does not try for ever. The next look of the Schedule finds the release.
      const status = await place.source.tell(place.webhook, name, sha);
      tell(`the Hub tells of ${name}: ${String(status ?? 'nobody answers')}`);
    }),
  );
}

async function hit({ place, at, tell, signal }: Stage, { victim, atMs, backAfterMs }: Strike): Promise<void> {
  await at(atMs);
  while (!(await place.kill(victim))) await setTimeout(100, undefined, { signal }); // not back from the strike before
  tell(`kill -9 ${victim}, which comes back after ${String(backAfterMs)} ms`);
  await setTimeout(backAfterMs, undefined, { signal });
  await place.start(victim);
  tell(`${victim} is back`);
}

async function untilConcluded({ place, signal }: Stage, releases: number): Promise<LineageState> {
  const untilMs = performance.now() + CONCLUDED_WITHIN_MS;
  for (;;) {
    const state = await stateOf(place);
    const concluded = state?.releases.filter(({ concludedAt }) => concludedAt !== null);
    if (state !== null && concluded?.length === releases) return state;
    if (performance.now() > untilMs) throw new Error(`not all releases came to an end: ${standOf(state)}`);
    await setTimeout(ASK_EVERY_MS, undefined, { signal });
  }
}

function standOf(state: LineageState | null): string {
  if (state === null) return 'nobody answers';
  const stands = state.releases.map(({ release, status, arms }) => {
    const stage = arms[0]?.stage ?? null;
    return `${release.name} is ${status}${stage === null ? '' : ` in ${stage}`}`;
  });
  return stands.join(', ');
}

/** Null while nobody answers. */
async function stateOf(place: ChaosPlace): Promise<LineageState | null> {
  try {
    return await place.ask((lineages) => lineages.state(NAME));
  } catch (error) {
    if (isCodedError(error) && error.retryable) return null;
    throw error;
  }
}
