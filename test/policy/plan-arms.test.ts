import { describe, expect, it } from 'vitest';
import type { Arm } from '../../contracts/lineage-spec.schema.ts';
import type { ArmState, ReleaseState } from '../../contracts/lineage-state.ts';
import { deltaResultOf, resultOf } from '../../policy/arm-result.ts';
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

describe('controls at every n-th release only', () => {
  const sparse = { strategy: 'iterative' as const, controls: ['plain' as const], controlsEvery: 3 };

  it('run at the first, and then at each n-th', () => {
    const ran = Array.from({ length: 7 }, (_, place) => armsOf(sparse, place).includes('plain'));
    expect(ran).toEqual([true, false, false, true, false, false, true]);
    expect(armsOf({ strategy: 'iterative', controls: ['plain'] }, 1)).toEqual(['iterative', 'plain']);
  });

  it('do not take the plain arm away that direct takes its Δ from', () => {
    const direct = { strategy: 'direct' as const, controls: ['iterative' as const], controlsEvery: 3 };
    expect(armsOf(direct, 0)).toEqual(['direct', 'iterative', 'plain']);
    expect(armsOf(direct, 1)).toEqual(['direct', 'plain']);
    expect(armsOf({ strategy: 'iterative', controls: ['direct'], controlsEvery: 3 }, 1)).toEqual(['iterative']);
  });

  it('are counted over the releases that were worked on, whatever came of them', () => {
    const worked = [past(1, failed('iterative')), { ...past(2), status: 'cancelled' as const }];
    const passed = [3, 4].map((number) => ({ ...past(number), status: 'skipped' as const }));
    const waits = { ...past(5), status: 'waiting' as const };
    const arms = (earlier: readonly ReleaseState[]): unknown => planArms(sparse, earlier).map(({ arm }) => arm);
    expect(arms([...worked, ...passed, waits])).toEqual(['iterative']);
    expect(arms([...worked, ...passed, waits, past(6)])).toEqual(['iterative', 'plain']);
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

describe('transfer-only', () => {
  const handed = { deltaDigest: digestOf('Δ1'), fromRelease: 'M1', fromArm: 'transfer-only', steps: 250 } as const;

  it('trains at its first release, where every arm starts alike', () => {
    const planned = planArms({ strategy: 'transfer-only', controls: ['plain', 'iterative'] }, []);
    expect(shape(planned)).toEqual([
      ['transfer-only', 'waiting', null],
      ['iterative', 'shared', 'transfer-only'],
      ['plain', 'shared', 'transfer-only'],
    ]);
  });

  it('shares nothing where it has a Δ, for it trains nothing', () => {
    const earlier = [past(1, succeeded('iterative', 'Δ1'), shared('transfer-only', 'iterative'))];
    expect(shape(planArms({ strategy: 'iterative', controls: ['transfer-only'] }, earlier))).toEqual([
      ['iterative', 'waiting', null],
      ['transfer-only', 'waiting', null],
    ]);
  });

  it('hands the first Δ on, release by release', () => {
    const result = makeResult({ deltaDigest: digestOf('Δ1'), handsOn: handed });
    const second = past(2, makeArm({ arm: 'transfer-only', status: 'succeeded', result }));
    const { source } = chooseSource('transfer-only', [past(1, succeeded('transfer-only', 'Δ1', 250)), second]);
    expect(source).toEqual(handed);
  });
});

describe('chooseSource', () => {
  it('carries the Δ of an arm that a newer release superseded, if it left one', () => {
    const early = (number: number, left: boolean): ReleaseState => {
      const result = left ? makeResult({ deltaDigest: digestOf(`early ${String(number)}`), superseded: true }) : null;
      return past(number, makeArm({ status: 'superseded', result }));
    };
    expect(chooseSource('iterative', [early(1, true), early(2, false)])).toMatchObject({
      source: { deltaDigest: digestOf('early 1'), fromRelease: 'M1' },
      reason: "Δ of M1's iterative arm, the newest, cut short by a newer release, over 1 release without one",
    });
  });

  it.each(['failed', 'cancelled', 'running', 'waiting'] as const)('carries nothing of an arm that is %s', (status) => {
    expect(chooseSource('iterative', [past(1, makeArm({ status, result: makeResult() }))]).source).toBeNull();
  });

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

describe('a restart', () => {
  const order = { actor: 'ada', reason: 'plain wins', at: AT, what: 'restart' };
  const history = [1, 2, 3].map((number) => past(number, succeeded('iterative', `Δ${String(number)}`)));

  it.each([
    ['M4', null],
    ['M3', 'M3'],
    ['M2', 'M3'],
  ])('at %s lets M4 start from %s', (release, from) => {
    const { source, reason } = chooseSource('iterative', history, { release, order });
    expect(source?.fromRelease ?? null).toBe(from);
    if (from === null)
      expect(reason).toMatch(/^ada asked for a restart \(plain wins\), and its iterative arm has left no/);
  });

  it('makes one piece of work of all arms again', () => {
    const arms = planArms({ ...ALL, controls: [...ALL.controls] }, history, { release: 'M4', order });
    expect(shape(arms)).toEqual([
      ['iterative', 'waiting', null],
      ['direct', 'shared', 'iterative'],
      ['plain', 'shared', 'iterative'],
    ]);
  });

  it('is nothing to plain, which starts from the base anyway', () => {
    expect(chooseSource('plain', history, { release: 'M4', order }).reason).toBe('plain starts from the base itself');
  });
});

describe('resultOf', () => {
  it('gives an arm the result of the one it shared with, and nothing when that one failed', () => {
    const worker = succeeded('iterative', 'Δ');
    expect(resultOf('plain', [worker, shared('plain', 'iterative')])).toBe(worker.result);
    expect(resultOf('plain', [failed('iterative'), shared('plain', 'iterative')])).toBeNull();
  });

  it('gives nothing of one that was superseded, whose Δ alone counts', () => {
    const arms = [makeArm({ status: 'superseded', result: makeResult() }), shared('plain', 'iterative')];
    expect([resultOf('iterative', arms), resultOf('plain', arms)]).toEqual([null, null]);
    expect([deltaResultOf('iterative', arms), deltaResultOf('plain', arms)]).toEqual([makeResult(), makeResult()]);
    expect(deltaResultOf('plain', [makeArm({ status: 'superseded' }), shared('plain', 'iterative')])).toBeNull();
  });

  it('gives nothing for an arm that was not planned, waits or runs', () => {
    expect(resultOf('direct', [succeeded('iterative', 'Δ')])).toBeNull();
    expect(resultOf('plain', [makeArm({ arm: 'plain', status: 'running' })])).toBeNull();
  });
});
