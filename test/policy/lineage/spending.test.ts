import { describe, expect, it } from 'vitest';
import { budgetSchema, type LineageBudget } from '../../../contracts/budget.schema.ts';
import { launcherSchema } from '../../../contracts/lineage-spec.schema.ts';
import type { Spent } from '../../../contracts/run.ts';
import { endArm, startRelease } from '../../../policy/lineage/life.ts';
import { retryRelease } from '../../../policy/lineage/orders.ts';
import { addSpent, noteSpent, runSpentUp, spentOf, spentUp, takeBackSpent } from '../../../policy/lineage/spending.ts';
import { AT, makeArm } from '../../support/lineage-values.ts';
import { ADA, armAt, FAILED, lineageOf, runRelease, succeeded } from '../../support/lineages.ts';

const spentBy = (steps: number, hours = 0, gpus = 1): Spent => ({
  steps,
  trainedSeconds: 3600 * hours,
  gpuSeconds: 3600 * hours * gpus,
});

/** A lineage's budget with the defaults of the schema. */
function budgetOf(limits: Readonly<Record<string, unknown>>): LineageBudget {
  const { lineage } = budgetSchema.parse({ lineage: limits });
  if (lineage === undefined) throw new Error('no budget');
  return lineage;
}

describe('spentOf', () => {
  it.each([
    [{ local: {} }, 1],
    [{ local: { gpus: 0 } }, 0],
    [{ local: { gpus: 2 } }, 2],
    [{ slurm: {} }, 0],
    [{ slurm: { gpus: 4 } }, 4],
  ])('counts the GPUs that %j trains on', (launcher, gpus) => {
    expect(spentOf(launcherSchema.parse(launcher), 100, 60)).toEqual({
      ...{ steps: 100, trainedSeconds: 60, gpuSeconds: 60 * gpus },
    });
  });
});

describe('what a lineage has spent', () => {
  it('is what the results of its arms say, summed over releases', () => {
    const first = runRelease(lineageOf(2), 'M1', succeeded({ spent: spentBy(100, 1, 2) }));
    const second = runRelease(first, 'M2', succeeded({ spent: spentBy(50, 0.5, 4) }));
    expect(second.spent).toEqual({ steps: 150, trainedSeconds: 5400, gpuSeconds: 14_400 });
  });

  it('counts work that is shared once, and the control arms too', () => {
    const spec = { controls: ['plain', 'direct'] };
    const first = runRelease(lineageOf(2, spec), 'M1', succeeded({ spent: spentBy(100) }));
    expect(first.spent).toEqual(spentBy(100));
    const second = runRelease(first, 'M2', succeeded({ spent: spentBy(100) }));
    expect(second.spent).toEqual(spentBy(300)); // iterative with direct, and plain
  });

  it('counts what a run that failed had told of, the newest word for what came before', () => {
    let state = startRelease(lineageOf(1), 'M1');
    state = noteSpent(state, 'M1', 'iterative', spentBy(25));
    state = noteSpent(state, 'M1', 'iterative', spentBy(50));
    expect(armAt(state, 'M1', 'iterative').spent).toEqual(spentBy(50));
    const failed = endArm(state, 'M1', 'iterative', FAILED);
    expect(addSpent(failed, failed.releases[0]?.arms ?? []).spent).toEqual(spentBy(50));
  });

  it('is what the result says where a run has told something before', () => {
    const told = noteSpent(startRelease(lineageOf(1), 'M1'), 'M1', 'iterative', spentBy(25));
    const ended = endArm(told, 'M1', 'iterative', succeeded({ spent: spentBy(100) }));
    expect(armAt(ended, 'M1', 'iterative').spent).toEqual(spentBy(100));
    const silent = endArm(told, 'M1', 'iterative', succeeded());
    expect(armAt(silent, 'M1', 'iterative').spent).toEqual(spentBy(25));
  });

  it('counts a training that is retried as a whole in the end, not twice', () => {
    const told = noteSpent(startRelease(lineageOf(1), 'M1'), 'M1', 'iterative', spentBy(50));
    const ended = endArm(told, 'M1', 'iterative', FAILED);
    const arms = ended.releases[0]?.arms ?? [];
    expect(takeBackSpent(addSpent(ended, arms), arms).spent).toEqual(spentBy(0));
    const before = { ...lineageOf(1), spent: spentBy(1000, 10) };
    const failed = { ...runRelease(before, 'M1', FAILED), spent: spentBy(1050, 10) };
    const withSpent = { ...failed, releases: failed.releases.map((entry) => ({ ...entry, arms })) };
    const retried = retryRelease(withSpent, 'M1', ADA, AT);
    expect(retried.spent).toEqual(spentBy(1000, 10));
    expect(runRelease(retried, 'M1', succeeded({ spent: spentBy(100, 1) })).spent).toEqual(spentBy(1100, 11));
  });

  it('never goes under nothing, and stays as it is where nothing is known', () => {
    const state = lineageOf(1);
    expect(takeBackSpent(state, [makeArm({ spent: spentBy(50) })]).spent).toEqual(spentBy(0));
    expect(addSpent(state, [makeArm()])).toBe(state);
    expect(noteSpent(state, 'M9', 'plain', spentBy(1))).toEqual(state);
  });
});

describe('a limit that is reached', () => {
  it.each<[Readonly<Record<string, unknown>>, Spent, string | null]>([
    [{ steps: 100 }, spentBy(99), null],
    [{ steps: 100 }, spentBy(100), '100 of 100 steps'],
    [{ steps: 100 }, spentBy(130), '130 of 100 steps'],
    [{ gpuHours: 1.5 }, spentBy(0, 0.7, 2), null],
    [{ gpuHours: 1.5 }, spentBy(0, 0.75, 2), '1.50 of 1.5 GPU-hours'],
    [{ gpuHours: 1.5 }, spentBy(0, 100, 0), null],
    [{ wallTime: '90m' }, spentBy(0, 1.49), null],
    [{ wallTime: '90m' }, spentBy(0, 1.5), '1.50 h of 90m of training'],
    [{ steps: 100, gpuHours: 1, wallTime: '1h' }, spentBy(100, 2), '100 of 100 steps'],
    [{ steps: 100, gpuHours: 1, wallTime: '1h' }, spentBy(1, 2), '2.00 of 1 GPU-hours'],
  ])('of %j with %j is, in words: %s', (limits, spent, words) => {
    expect(spentUp(spent, budgetOf(limits))).toBe(words);
  });

  it('is none where there is no budget, or nothing spent', () => {
    expect(spentUp(spentBy(1e9, 1e9), undefined)).toBeNull();
    expect(spentUp(undefined, budgetOf({ steps: 1 }))).toBeNull();
    expect(runSpentUp(spentBy(1e9, 1e9), undefined)).toBeNull();
  });

  it('of a run is one of GPU-hours only: its wall time has a clock of its own', () => {
    const { run } = budgetSchema.parse({ run: { gpuHours: 2, wallTime: '1h' } });
    expect(runSpentUp(spentBy(1e9, 1.9), run)).toBeNull();
    expect(runSpentUp(spentBy(0, 2), run)).toBe('2.00 of 2 GPU-hours');
    expect(runSpentUp(spentBy(0, 100), budgetSchema.parse({ run: { wallTime: '1h' } }).run)).toBeNull();
  });
});
