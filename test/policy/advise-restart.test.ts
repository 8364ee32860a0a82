import { describe, expect, it } from 'vitest';
import type { LineageState, ReleaseState } from '../../contracts/lineage-state.ts';
import { adviseRestart } from '../../policy/advise-restart.ts';
import { askForRestart } from '../../policy/lineage/restart.ts';
import { AT, digestOf, makeArm, makeRelease, makeResult } from '../support/lineage-values.ts';
import { ADA, lineageOf, runRelease, succeeded } from '../support/lineages.ts';
import { concludedEntry } from '../support/report-values.ts';

const SOURCE = { deltaDigest: digestOf('Δ'), fromRelease: 'M0', fromArm: 'iterative', steps: 100 } as const;
const point = (score: number) => ({ step: 100, score, lossNats: null });

/** A release at which production scored one thing and plain, with a training of its own, another. */
function scored(number: number, production: number, plain: number | null): ReleaseState {
  const own = makeArm({ status: 'succeeded', source: SOURCE, result: makeResult({ best: point(production) }) });
  const control =
    plain === null
      ? makeArm({ arm: 'plain', status: 'failed' })
      : makeArm({ arm: 'plain', status: 'succeeded', result: makeResult({ best: point(plain) }) });
  return concludedEntry({ release: makeRelease(number), arms: [own, control] });
}

/** A release whose Δ is so long; null: it left none of its own. */
function grown(
  number: number,
  deltaNorm: number | null,
  status: 'succeeded' | 'superseded' = 'succeeded',
): ReleaseState {
  const result = makeResult(deltaNorm === null ? {} : { deltaNorm });
  return concludedEntry({ release: makeRelease(number), arms: [makeArm({ status, source: SOURCE, result })] });
}
const growing = (...norms: readonly (number | null)[]): readonly ReleaseState[] =>
  norms.map((norm, index) => grown(index + 1, norm));

describe('adviseRestart', () => {
  it('says so when plain was better at the last two releases that have one, and by how much', () => {
    const releases = [scored(1, 0.9, 0.8), scored(2, 0.8, 0.85), scored(3, 0.8, null), scored(4, 0.7, 0.9)];
    expect(adviseRestart(releases)).toBe(
      'the plain control was better than the carried Δ at the last 2 releases that had one (by 0.050 at M2 and 0.200 at M4): consider `regraft restart`',
    );
  });

  it.each<[string, readonly ReleaseState[]]>([
    ['nothing is done', []],
    ['plain was better once', [scored(1, 0.8, 0.9)]],
    ['plain was better before, but not at the last', [scored(1, 0.8, 0.9), scored(2, 0.8, 0.9), scored(3, 0.9, 0.9)]],
    ['plain was better at the last only', [scored(1, 0.9, 0.9), scored(2, 0.8, 0.9)]],
    [
      'both start from the base: there is nothing to compare',
      [1, 2].map((number) => {
        const entry = scored(number, 0.8, 0.9);
        return { ...entry, arms: entry.arms.map((arm) => ({ ...arm, source: null })) };
      }),
    ],
    [
      'plain is the production arm',
      [1, 2].map((number) =>
        concludedEntry({
          release: makeRelease(number),
          arms: [makeArm({ arm: 'plain', status: 'succeeded', source: SOURCE, result: makeResult() })],
        }),
      ),
    ],
    ['what they did is long past', [scored(1, 0.8, 0.9), scored(2, 0.8, 0.9)].map((entry) => ({ ...entry, arms: [] }))],
  ])('says nothing when %s', (_when, releases) => {
    expect(adviseRestart(releases)).toBeNull();
  });

  it('does not count a plain arm that shared the work of another', () => {
    const shared = (number: number): ReleaseState => {
      const [own, control] = scored(number, 0.8, 0.9).arms;
      const plain = { ...makeArm(control), status: 'shared' as const, sharedWith: 'iterative' as const };
      return concludedEntry({ release: makeRelease(number), arms: [makeArm(own), plain] });
    };
    expect(adviseRestart([shared(1), shared(2)])).toBeNull();
  });

  it('says so when Δ grew at each of the last four releases, and doubled', () => {
    expect(adviseRestart(growing(1, 1.25, 1.5, 2))).toBe(
      '‖Δ‖ grew at each of the last 4 releases, from 1.00 at M1 to 2.00 at M4: consider `regraft restart`',
    );
    expect(adviseRestart(growing(9, 1, 1.25, null, 1.5, 2))).toContain('from 1.00 at M2 to 2.00 at M6');
  });

  it.each<[string, readonly ReleaseState[]]>([
    ['did not double', growing(1, 1.25, 1.5, 1.99)],
    ['fell in between', growing(1, 1.5, 1.25, 3)],
    ['stood still in between', growing(1, 1.5, 1.5, 3)],
    ['is known of three only', growing(1, 2, 3)],
    ['fell at last', growing(1, 2, 3, 4, 3)],
  ])('says nothing when Δ %s', (_how, releases) => {
    expect(adviseRestart(releases)).toBeNull();
  });

  it('counts the Δ of a release that was superseded', () => {
    expect(adviseRestart([...growing(1, 1.25, 1.5), grown(4, 2, 'superseded')])).toContain('to 2.00 at M4');
  });
});

describe('the advice that a lineage keeps', () => {
  /** Runs M2…Mn, at each of which plain is better by a tenth. */
  const losing = (state: LineageState, ...names: readonly string[]): LineageState =>
    names.reduce(
      (current, name) =>
        runRelease(current, name, ({ arm }) =>
          succeeded({ deltaDigest: digestOf(`${arm} at ${name}`), best: point(arm === 'plain' ? 0.9 : 0.8) }),
        ),
      state,
    );

  it('comes with a conclusion, and goes with the next one when the sign is gone', () => {
    const first = losing(lineageOf(5, { controls: ['plain'] }), 'M1', 'M2');
    expect(first.advice).toBeUndefined();
    const advised = losing(first, 'M3');
    expect(advised.advice).toContain('at the last 2 releases');
    expect('advice' in runRelease(advised, 'M4', succeeded())).toBe(false);
  });

  it('is gone once a restart is asked for, and does not come back with what was before it', () => {
    const advised = losing(lineageOf(6, { controls: ['plain'] }), 'M1', 'M2', 'M3');
    const restarted = losing(askForRestart(advised, ADA, AT), 'M4');
    expect(restarted.advice).toBeUndefined();
    const once = losing(restarted, 'M5');
    expect(once.advice).toBeUndefined();
    expect(losing(once, 'M6').advice).toContain('at M5 and');
  });
});
