import { nextShare, randomState, type RandomState } from '../../policy/statistics/random.ts';

/** What is killed. */
export const VICTIMS = ['worker-1', 'worker-2', 'server', 'receiver'] as const;
export type Victim = (typeof VICTIMS)[number];

/** A release of the family, and when its source has it. */
export interface Arrival {
  readonly number: number;
  readonly atMs: number;
  /** Whether its fine-tune will be worth publishing. */
  readonly good: boolean;
  /** When the Hub tells of it; more than one: it repeats itself. Late ones arrive after those of later releases. */
  readonly toldAtMs: readonly number[];
}

/** One kill -9, and how long what was killed stays away. */
export interface Strike {
  readonly atMs: number;
  readonly victim: Victim;
  readonly backAfterMs: number;
}

/** Everything that happens to one family. Times count from the moment at which everything runs. */
export interface ChaosPlan {
  readonly seed: number;
  readonly arrivals: readonly Arrival[];
  /** Ascending by time. */
  readonly strikes: readonly Strike[];
}

export interface PlanOptions {
  readonly releases: number;
  /** Mean time between two releases. */
  readonly everyMs: number;
  /** How often each is killed, at least and at most. */
  readonly kills: Readonly<Record<Victim, readonly [number, number]>>;
}

/** The twelve releases of the test: about half a minute of arrivals, and as many kills as that can bear. */
export const TWELVE: PlanOptions = {
  releases: 12,
  everyMs: 2_500,
  kills: { 'worker-1': [1, 2], 'worker-2': [1, 1], server: [1, 1], receiver: [1, 3] },
};

const SHARE_OF_BAD = 0.25;
const SHARE_TOLD_TWICE = 0.4;
const MOST_DELAY_MS = 6_000;
const BACK_AFTER_MS = { least: 100, most: 2_500 };

/** The plan of a seed: the same seed, the same plan, on every machine. */
export function planChaos(seed: number, options: PlanOptions = TWELVE): ChaosPlan {
  const arrivals = planArrivals(randomState('arrivals', String(seed)), options);
  const endMs = arrivals.at(-1)?.atMs ?? 0;
  const random = randomState('strikes', String(seed));
  const strikes = VICTIMS.flatMap((victim) => planStrikes(random, victim, options.kills[victim], endMs));
  return { seed, arrivals, strikes: strikes.sort((left, right) => left.atMs - right.atMs) };
}

function planArrivals(random: RandomState, { releases, everyMs }: PlanOptions): readonly Arrival[] {
  let atMs = 0;
  return Array.from({ length: releases }, (_, index) => {
    atMs += index === 0 ? 0 : whole(random, everyMs * 0.2, everyMs * 1.8);
    const good = index === 0 || nextShare(random) >= SHARE_OF_BAD; // something has to be published
    const times = nextShare(random) < SHARE_TOLD_TWICE ? 2 : 1;
    const toldAtMs = Array.from({ length: times }, () => atMs + whole(random, 0, MOST_DELAY_MS));
    return { number: index + 1, atMs, good, toldAtMs };
  });
}

/** Kills of one victim, each in a stretch of its own, so that it is back in between. */
function planStrikes(
  random: RandomState,
  victim: Victim,
  [least, most]: readonly [number, number],
  endMs: number,
): readonly Strike[] {
  const count = whole(random, least, most + 1);
  const stretchMs = endMs / Math.max(count, 1);
  return Array.from({ length: count }, (_, index) => ({
    atMs: Math.floor(index * stretchMs) + whole(random, 0, stretchMs),
    victim,
    backAfterMs: whole(random, BACK_AFTER_MS.least, BACK_AFTER_MS.most),
  }));
}

/** A whole number from `least` to `below`, that one excluded. */
function whole(random: RandomState, least: number, below: number): number {
  return Math.floor(least + nextShare(random) * (below - least));
}
