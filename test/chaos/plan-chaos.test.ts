import { describe, expect, it } from 'vitest';
import { planChaos, TWELVE, VICTIMS } from './plan-chaos.ts';

const SEEDS = Array.from({ length: 200 }, (_, index) => index);

describe('the plan of a seed', () => {
  it('is the same whenever it is made, and another for another seed', () => {
    expect(planChaos(7)).toEqual(planChaos(7));
    expect(new Set(SEEDS.map((seed) => JSON.stringify(planChaos(seed).strikes))).size).toBe(SEEDS.length);
  });

  it('brings twelve releases one after the other, the first of them good', () => {
    for (const { arrivals } of SEEDS.map((seed) => planChaos(seed))) {
      expect(arrivals.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
      expect(arrivals[0]).toMatchObject({ atMs: 0, good: true });
      const times = arrivals.map(({ atMs }) => atMs);
      expect(times).toEqual([...times].sort((left, right) => left - right));
    }
  });

  it('kills each often enough, never again before its next stretch, while releases still come', () => {
    for (const { arrivals, strikes } of SEEDS.map((seed) => planChaos(seed))) {
      const times = strikes.map(({ atMs }) => atMs);
      expect(times).toEqual([...times].sort((left, right) => left - right));
      expect(Math.max(...times)).toBeLessThanOrEqual(arrivals.at(-1)?.atMs ?? 0);
      for (const victim of VICTIMS) {
        const kills = strikes.filter((strike) => strike.victim === victim).length;
        expect(kills).toBeGreaterThanOrEqual(TWELVE.kills[victim][0]);
        expect(kills).toBeLessThanOrEqual(TWELVE.kills[victim][1]);
      }
    }
  });

  it('tells of releases at once and late, once and twice, and in another order than they came', () => {
    const told = SEEDS.flatMap((seed) => planChaos(seed).arrivals);
    expect(told.some(({ toldAtMs }) => toldAtMs.length === 2)).toBe(true);
    expect(told.every(({ toldAtMs, atMs }) => toldAtMs.every((at) => at >= atMs))).toBe(true);
    const outOfOrder = SEEDS.filter((seed) => {
      const firsts = planChaos(seed).arrivals.map(({ toldAtMs }) => toldAtMs[0] ?? 0);
      return firsts.some((at, index) => at < (firsts[index - 1] ?? 0));
    });
    expect(outOfOrder.length).toBeGreaterThan(SEEDS.length / 2);
    expect(told.filter(({ good }) => !good).length).toBeGreaterThan(SEEDS.length);
  });
});
