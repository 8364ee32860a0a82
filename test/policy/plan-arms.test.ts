import { describe, expect, it } from 'vitest';
import type { Arm } from '../../contracts/lineage-spec.schema.ts';
import type { ArmState, ReleaseState } from '../../contracts/lineage-state.ts';
import { resultOf } from '../../policy/arm-result.ts';
import { chooseSource } from '../../policy/choose-source.ts';
import { armsOf, planArms } from '../../policy/plan-arms.ts';
import { AT, digestOf, makeArm, makeRelease, makeResult } from '../support/lineage-values.ts';

/** A concluded release with these arms. */
function past(number: number, ...arms: readonly ArmState[]): ReleaseState {
  return {
    release: makeRelease(number),
    status: 'succeeded',
    arms,
    recordDigest: null,
    observedAt: AT,
    concludedAt: AT,
    retries: 0,
  };
}

function succeeded(arm: Arm, delta: string, stepsInDelta = 100): ArmState {
  const result = makeResult({ deltaDigest: digestOf(delta), stepsInDelta });
  return makeArm({ arm, status: 'succeeded', result });
}

const shared = (arm: Arm, sharedWith: Arm): ArmState => makeArm({ arm, status: 'shared', sharedWith });
const failed = (arm: Arm): ArmState =>
  makeArm({ arm, status: 'failed', failure: { code: 'TRAINER_DIVERGED', message: '' } });

const ALL = { strategy: 'iterative', controls: ['plain', 'direct'] } as const;
const shape = (arms: readonly ArmState[]): unknown =>
  arms.map(({ arm, status, sharedWith }) => [arm, status, sharedWith]);

describe('armsOf', () => {
  it.each([
    ['iterative', [], ['iterative']],
    ['iterative', ['plain'], ['iterative', 'plain']],
    ['iterative', ['plain', 'plain', 'iterative'], ['iterative', 'plain']],
    ['plain', ['iterative'], ['plain', 'iterative']],
    ['plain', ['plain', 'direct', 'iterative'], ['plain', 'iterative', 'direct']],
  ] as const)('puts production %s before controls %j', (strategy, controls, arms) => {
    expect(armsOf({ strategy, controls: [...controls] })).toEqual(arms);
  });

  it('adds the plain branch that direct takes its Δ from', () => {
    expect(armsOf({ strategy: 'direct', controls: [] })).toEqual(['direct', 'plain']);
    expect(armsOf({ strategy: 'iterative', controls: ['direct'] })).toEqual(['iterative', 'direct', 'plain']);
  });
});

describe('planArms', () => {
  it('makes one piece of work of all three arms at the first release', () => {
    expect(shape(planArms({ ...ALL, controls: [...ALL.controls] }, []))).toEqual([
      ['iterative', 'waiting', null],
      ['direct', 'shared', 'iterative'],
      ['plain', 'shared', 'iterative'],
    ]);
  });

  it('makes one piece of work of direct and iterative at the second, when the first was shared', () => {
    const first = past(1, succeeded('iterative', 'Δ1'), shared('direct', 'iterative'), shared('plain', 'iterative'));
    const second = planArms({ ...ALL, controls: [...ALL.controls] }, [first]);
    expect(shape(second)).toEqual([
      ['iterative', 'waiting', null],
      ['direct', 'shared', 'iterative'],
      ['plain', 'waiting', null],
    ]);
    expect(second.map(({ source }) => source?.deltaDigest ?? null)).toEqual([digestOf('Δ1'), digestOf('Δ1'), null]);
  });

  it('keeps arms apart once their Δs differ', () => {
    const second = past(2, succeeded('iterative', 'own'), shared('direct', 'iterative'), succeeded('plain', 'plain'));
    const third = planArms({ ...ALL, controls: [...ALL.controls] }, [second]);
    expect(shape(third)).toEqual([
      ['iterative', 'waiting', null],
      ['direct', 'waiting', null],
      ['plain', 'waiting', null],
    ]);
    expect(third.map(({ source }) => source?.deltaDigest ?? null)).toEqual([digestOf('own'), digestOf('plain'), null]);
  });

  it('never lets the production arm share: it does its own work', () => {
    const [production] = planArms({ strategy: 'plain', controls: ['iterative', 'direct'] }, []);
    expect(production).toMatchObject({ arm: 'plain', status: 'waiting', sharedWith: null });
  });
});

describe('chooseSource', () => {
  it('starts plain from the base, whatever there is', () => {
    const { source, reason } = chooseSource('plain', [past(1, succeeded('plain', 'Δ'))]);
    expect([source, reason]).toEqual([null, 'plain starts from the base itself']);
  });

  it('skips a failed release and says how many it skipped', () => {
    const history = [
      past(1, succeeded('iterative', 'Δ1', 250)),
      past(2, failed('iterative')),
      past(3, failed('iterative')),
    ];
    expect(chooseSource('iterative', history)).toEqual({
      source: { deltaDigest: digestOf('Δ1'), fromRelease: 'M1', fromArm: 'iterative', steps: 250 },
      reason: "Δ of M1's iterative arm, the newest that succeeded, over 2 releases without one",
    });
    expect(chooseSource('iterative', history.slice(0, 2)).reason).toMatch(/over 1 release without one$/);
  });

  it('takes the newest success, not the first', () => {
    const history = [past(1, succeeded('iterative', 'Δ1')), past(2, succeeded('iterative', 'Δ2'))];
    expect(chooseSource('iterative', history)).toMatchObject({
      source: { deltaDigest: digestOf('Δ2'), fromRelease: 'M2' },
      reason: "Δ of M2's iterative arm, the newest that succeeded",
    });
  });

  it('carries plain’s Δ into direct and never its own', () => {
    const history = [past(1, succeeded('direct', 'own'), succeeded('plain', 'plain'))];
    expect(chooseSource('direct', history).source).toMatchObject({
      deltaDigest: digestOf('plain'),
      fromArm: 'plain',
    });
  });

  it('starts from the base and says why when there is no Δ', () => {
    expect(chooseSource('iterative', []).reason).toBe(
      'the first release has no earlier Δ: it starts from the base itself',
    );
    expect(chooseSource('direct', [past(1, failed('plain'))])).toEqual({
      source: null,
      reason: 'no earlier release has a Δ of its plain arm: it starts from the base itself',
    });
  });
});

describe('resultOf', () => {
  it('gives an arm the result of the one it shared with, and nothing when that one failed', () => {
    const worker = succeeded('iterative', 'Δ');
    expect(resultOf('plain', [worker, shared('plain', 'iterative')])).toBe(worker.result);
    expect(resultOf('plain', [failed('iterative'), shared('plain', 'iterative')])).toBeNull();
  });

  it('gives nothing for an arm that was not planned, waits or runs', () => {
    expect(resultOf('direct', [succeeded('iterative', 'Δ')])).toBeNull();
    expect(resultOf('plain', [makeArm({ arm: 'plain', status: 'running' })])).toBeNull();
  });
});
