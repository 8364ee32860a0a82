import { describe, expect, it } from 'vitest';
import type { LineageState } from '../../../contracts/lineage-state.ts';
import { compactReleases } from '../../../policy/lineage/compact.ts';
import { observeRelease, startRelease } from '../../../policy/lineage/life.ts';
import { AT, digestOf, makeRelease, makeResult, makeStep } from '../../support/lineage-values.ts';
import {
  armAt,
  entryAt,
  FAILED,
  lineageOf,
  liveModel,
  observeAll,
  runRelease,
  standings,
  succeeded,
} from '../../support/lineages.ts';

const names = (from: number, to: number): readonly string[] =>
  Array.from({ length: to - from + 1 }, (_, index) => `M${String(from + index)}`);
/** Runs these releases, each with a Δ of its own. */
const through = (state: LineageState, from: number, to: number): LineageState =>
  names(from, to).reduce(
    (current, name) => runRelease(current, name, succeeded({ deltaDigest: digestOf(`Δ of ${name}`) })),
    state,
  );
const whole = ({ releases }: LineageState): readonly string[] =>
  releases.flatMap(({ release, arms }) => (arms.length === 0 ? [] : release.name));

describe('releases long past', () => {
  it('keep what they were, and of what their arms did nothing but the record', () => {
    const state = through(lineageOf(30), 1, 30);
    expect(whole(state)).toEqual(names(11, 30));
    expect(entryAt(state, 'M10')).toEqual({
      release: makeRelease(10),
      ...{ status: 'succeeded', arms: [], observedAt: AT, concludedAt: AT, retries: 0 },
      recordDigest: digestOf('record of M10'),
    });
  });

  it('keep the newest Δ of each arm, however old it is', () => {
    const first = through(lineageOf(40, { controls: ['plain'] }), 1, 3);
    const state = names(4, 40).reduce((current, name) => runRelease(current, name, FAILED), first);
    expect(whole(state)).toEqual(['M3', ...names(21, 40)]);
    expect(armAt(startRelease(observeAll(state, 41), 'M41'), 'M41', 'iterative').source?.fromRelease).toBe('M3');
  });

  it('keep an older one too where each of two arms left its newest at another release', () => {
    const [first, other] = [2, 4].map((number) => `M${String(number)}`);
    const state = names(1, 30).reduce(
      (current, name) =>
        runRelease(current, name, ({ arm }) => {
          if (name === first) return succeeded({ deltaDigest: digestOf(`${arm} at ${name}`) });
          return name === other && arm === 'plain' ? succeeded() : FAILED;
        }),
      lineageOf(30, { controls: ['plain'] }),
    );
    expect(whole(state)).toEqual(['M2', 'M4', ...names(11, 30)]);
  });

  it('count a Δ that an arm left for another, or before it was superseded', () => {
    const superseded = runRelease(lineageOf(30), 'M1', {
      kind: 'superseded',
      result: makeResult({ superseded: true }),
    });
    const state = names(2, 30).reduce((current, name) => runRelease(current, name, FAILED), superseded);
    expect(whole(state)).toEqual(['M1', ...names(11, 30)]);
  });

  it('keep what a release that has still to run will start from, for the past is asked for in order', () => {
    const wanted = [1, 2, 3].reduce(
      (state, number) => observeRelease(state, { ...makeRelease(number), backfill: true }, AT).state,
      through(observeAll(lineageOf(0), ...Array.from({ length: 30 }, (_, index) => index + 4)), 4, 33),
    );
    const first = through(wanted, 1, 1);
    expect(armAt(startRelease(first, 'M2'), 'M2', 'iterative').source?.fromRelease).toBe('M1');
    const all = through(first, 2, 3);
    expect(whole(all)).toEqual(names(14, 33));
  });

  it('leave one that is tried again alone with the base, and it says so', () => {
    const failed = runRelease(through(lineageOf(30), 1, 4), 'M5', FAILED);
    const arm = armAt(startRelease(through(failed, 6, 30), 'M5'), 'M5', 'iterative');
    expect(arm.source).toBeNull();
    expect(arm.sourceReason).toContain('of releases long past only the newest Δ of each arm is kept at hand');
  });

  it('are left alone while there are few, and a second time changes nothing', () => {
    const few = through(lineageOf(25), 1, 20);
    expect(compactReleases(few.releases)).toEqual(few.releases);
    const many = compactReleases(through(lineageOf(30), 1, 30).releases);
    expect(compactReleases(many)).toEqual(many);
  });
});

describe('the state of five hundred releases', () => {
  it('stays under 400 kB as JSON, whatever their arms did', () => {
    const all = ['plain', 'direct'];
    const numbers = Array.from({ length: 500 }, (_, index) => index + 1);
    let state = observeAll(lineageOf(0, { controls: all }), ...numbers);
    for (const name of names(1, 500)) {
      const { suites } = makeStep(100, ...Array.from({ length: 8 }, () => ({})));
      state = runRelease(state, name, ({ arm }) =>
        succeeded({
          deltaDigest: digestOf(`Δ of ${name} ${arm}`),
          gateSentence: 'passed: '.padEnd(300, 'not worse on any of eight suites, '),
          published: arm === 'iterative' ? { ...liveModel(name), suites } : null,
        }),
      );
    }
    const kilobytes = JSON.stringify(state).length / 1000;
    console.info(`state of 500 releases of three arms and eight suites: ${kilobytes.toFixed(0)} kB`);
    expect(standings(state)).toHaveLength(500);
    expect(kilobytes).toBeLessThan(400);
  });
});
