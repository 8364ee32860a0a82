import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Arm } from '../../contracts/lineage-spec.schema.ts';
import type { ArmState, LineageState, ReleaseState } from '../../contracts/lineage-state.ts';
import { resultOf } from '../../policy/arm-result.ts';
import { takeNext } from '../../policy/lineage/backlog.ts';
import { concludeRelease, endArm, observeRelease, startRelease } from '../../policy/lineage/life.ts';
import { createLineage, findRelease } from '../../policy/lineage/state.ts';
import { AT, digestOf, makeRelease, makeResult, makeSpec } from '../support/lineage-values.ts';

const ARMS = ['iterative', 'direct', 'plain'] as const;
const STEPS = 100;

/** Fate of each arm at each release: does it succeed if it does work of its own? */
type Fate = Readonly<Partial<Record<Arm, boolean>>>;
const fateArbitrary = fc.record({
  ...{ iterative: fc.boolean(), direct: fc.boolean(), plain: fc.boolean() },
  auto: fc.constant(false), // it runs in no story here
});

/** A family of n releases, the order they are observed in, and how every arm fares. */
const storyArbitrary = fc.integer({ min: 1, max: 8 }).chain((count) => {
  const numbers = Array.from({ length: count }, (_, index) => index + 1);
  return fc.record({
    observed: fc.shuffledSubarray(numbers, { minLength: count }),
    fates: fc.array(fateArbitrary, { minLength: count, maxLength: count }),
  });
});

interface Story {
  readonly observed: readonly number[];
  readonly fates: readonly Fate[];
}

interface Told {
  readonly state: LineageState;
  readonly ran: readonly string[];
}

/** Drives the decisions to the end as the workflow does, with simulated runs. */
function tell({ observed, fates }: Story): Told {
  let state = createLineage(makeSpec({ controls: ['plain', 'direct'] }));
  for (const number of observed) state = observeRelease(state, makeRelease(number), AT).state;
  const ran: string[] = [];
  for (let next = nextOf(state); next !== null; next = nextOf(state)) {
    const { name, position } = next.release;
    ran.push(name);
    state = startRelease(state, name);
    for (const arm of armsAt(state, name).filter(({ status }) => status === 'waiting')) {
      const succeeds = fates[(position[0] ?? 0) - 1]?.[arm.arm] === true;
      state = endArm(state, name, arm.arm, succeeds ? success(name, arm) : FAILED);
    }
    state = concludeRelease(state, name, null, AT);
  }
  return { state, ran };
}

const nextOf = (state: LineageState): ReleaseState | null => takeNext(state, AT).next;

const FAILED = { kind: 'failed', failure: { code: 'TRAINER_DIVERGED', message: '' } } as const;

function success(release: string, { arm, source }: ArmState): Parameters<typeof endArm>[3] {
  const deltaDigest = digestOf(`Δ of ${release}, ${arm}`);
  return { kind: 'succeeded', result: makeResult({ deltaDigest, stepsInDelta: (source?.steps ?? 0) + STEPS }) };
}

function armsAt(state: LineageState, release: string): readonly ArmState[] {
  return findRelease(state, release)?.arms ?? [];
}

function armAt(entry: ReleaseState, arm: Arm): ArmState {
  const found = entry.arms.find((candidate) => candidate.arm === arm);
  if (found === undefined) throw new Error(`${entry.release.name} has no arm ${arm}`);
  return found;
}

/** The newest release before this one at which an arm came out well, its own work or shared. */
function newestSuccess(state: LineageState, before: number, arm: Arm): ReleaseState | null {
  const earlier = state.releases.slice(0, before);
  return earlier.reverse().find((entry) => resultOf(arm, entry.arms) !== null) ?? null;
}

describe('the chain of Algorithm 1, whatever fails and in whatever order releases are seen', () => {
  it('runs every release once, in family order', () => {
    fc.assert(
      fc.property(storyArbitrary, (story) => {
        expect(tell(story).ran).toEqual(story.fates.map((_, index) => `M${String(index + 1)}`));
      }),
    );
  });

  it('does not depend on the order in which releases are seen', () => {
    fc.assert(
      fc.property(storyArbitrary, (story) => {
        const sorted = { ...story, observed: [...story.observed].sort((left, right) => left - right) };
        expect(tell(story).state).toEqual(tell(sorted).state);
      }),
    );
  });

  it('starts iterative from its own newest success, direct from plain’s, and plain from the base', () => {
    fc.assert(
      fc.property(storyArbitrary, (story) => {
        const { state } = tell(story);
        for (const [index, entry] of state.releases.entries()) {
          for (const [arm, carries] of [
            ['iterative', 'iterative'],
            ['direct', 'plain'],
          ] as const) {
            const past = newestSuccess(state, index, carries);
            const result = past === null ? null : resultOf(carries, past.arms);
            expect(armAt(entry, arm).source).toEqual(
              past === null || result === null
                ? null
                : {
                    deltaDigest: result.deltaDigest,
                    fromRelease: past.release.name,
                    fromArm: carries,
                    steps: result.stepsInDelta,
                  },
            );
          }
          expect(armAt(entry, 'plain').source).toBeNull();
        }
      }),
    );
  });

  it('shares exactly the work of arms that start from the same model', () => {
    fc.assert(
      fc.property(storyArbitrary, (story) => {
        for (const entry of tell(story).state.releases) {
          for (const [index, { arm, status, sharedWith, source }] of entry.arms.entries()) {
            const twin = entry.arms
              .slice(0, index)
              .find((other) => other.source?.deltaDigest === source?.deltaDigest && other.status !== 'shared');
            expect([arm, status === 'shared', sharedWith]).toEqual([arm, twin !== undefined, twin?.arm ?? null]);
          }
        }
      }),
    );
  });

  it('sums the steps inside a Δ along its chain', () => {
    fc.assert(
      fc.property(storyArbitrary, (story) => {
        const { state } = tell(story);
        for (const [index, entry] of state.releases.entries()) {
          const successes = state.releases
            .slice(0, index + 1)
            .filter(({ arms }) => resultOf('iterative', arms) !== null);
          const result = resultOf('iterative', entry.arms);
          if (result !== null) expect(result.stepsInDelta).toBe(successes.length * STEPS);
        }
      }),
    );
  });

  it('concludes a release as its production arm ended', () => {
    fc.assert(
      fc.property(storyArbitrary, (story) => {
        const ends = tell(story).state.releases.map(({ status }) => status);
        expect(ends).toEqual(story.fates.map(({ iterative }) => (iterative ? 'succeeded' : 'failed')));
      }),
    );
  });

  it('does all three arms as one at the first release, and direct and iterative as one at the second', () => {
    const well = { iterative: true, direct: true, plain: true, auto: false };
    const { state } = tell({ observed: [1, 2, 3], fates: [well, well, well] });
    const working = state.releases.map(({ arms }) =>
      arms.flatMap(({ arm, status }) => (status === 'shared' ? [] : arm)),
    );
    expect(working).toEqual([['iterative'], ['iterative', 'plain'], [...ARMS]]);
  });

  it('puts a release that is seen late into its place among the sources', () => {
    let { state } = tell({
      observed: [1, 3],
      fates: [1, 2, 3].map(() => ({ iterative: true, direct: true, plain: true, auto: true })),
    });
    state = startRelease(observeRelease(state, makeRelease(2), AT).state, 'M2');
    expect(armsAt(state, 'M2')[0]?.source?.fromRelease).toBe('M1');
    expect(state.releases.map(({ release }) => release.name)).toEqual(['M1', 'M2', 'M3']);
  });
});
