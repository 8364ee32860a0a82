import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareReleases, orderReleases } from '../../policy/order-releases.ts';

const STAGE_1 = [
  'stage1-step300000-tokens1259B',
  'stage1-step600000-tokens2517B',
  'stage1-step928646-tokens3896B',
] as const;
const STAGE_2 = ['stage2-ingredient1-step6000-tokens26B', 'stage2-ingredient1-step11931-tokens50B'] as const;
const ORDER = ['stage', 'step'];

describe('orderReleases', () => {
  it('takes the three stage-1 revisions of OLMo 2 and ignores those that carry an ingredient, however shuffled', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray([...STAGE_1, ...STAGE_2], { minLength: 5 }), (names) => {
        const family = { names: 'stage{stage}-step{step}-tokens{tokens}B', order: ORDER };
        const { ordered, ignored } = orderReleases(names, family);
        expect(ordered).toEqual([
          { name: STAGE_1[0], position: [1, 300_000] },
          { name: STAGE_1[1], position: [1, 600_000] },
          { name: STAGE_1[2], position: [1, 928_646] },
        ]);
        expect([...ignored].sort()).toEqual([...STAGE_2].sort());
      }),
    );
  });

  it('takes the two stage-2 revisions by a pattern of their own: step 6000 before step 11931, which text would turn round', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray([...STAGE_1, ...STAGE_2], { minLength: 5 }), (names) => {
        const family = { names: 'stage{stage}-ingredient{ingredient}-step{step}-tokens{tokens}B', order: ORDER };
        const { ordered, ignored } = orderReleases(names, family);
        expect(ordered.map(({ name }) => name)).toEqual(STAGE_2);
        expect(ordered.map(({ position }) => position)).toEqual([
          [2, 6000],
          [2, 11_931],
        ]);
        expect([...ignored].sort()).toEqual([...STAGE_1].sort());
      }),
    );
  });

  it('compares numbers as numbers: 5000 before 10000', () => {
    const { ordered } = orderReleases(['step10000', 'step5000'], { names: 'step{step}', order: ['step'] });
    expect(ordered.map(({ name }) => name)).toEqual(['step5000', 'step10000']);
  });

  it('lets the first field of the order outweigh the others', () => {
    const names = ['stage2-step1', 'stage1-step9'];
    const pattern = 'stage{stage}-step{step}';
    const by = (order: string[]): readonly string[] =>
      orderReleases(names, { names: pattern, order }).ordered.map(({ name }) => name);
    expect(by(['stage', 'step'])).toEqual(['stage1-step9', 'stage2-step1']);
    expect(by(['step', 'stage'])).toEqual(['stage2-step1', 'stage1-step9']);
  });

  it('orders equal positions by name, so that no two machines disagree', () => {
    const family = { names: 'M{release}', order: ['release'] };
    expect(orderReleases(['M1', 'M01'], family).ordered.map(({ name }) => name)).toEqual(['M01', 'M1']);
    expect(orderReleases(['M01', 'M1'], family).ordered.map(({ name }) => name)).toEqual(['M01', 'M1']);
  });

  it('finds nothing in nothing', () => {
    expect(orderReleases([], { names: 'M{release}', order: ['release'] })).toEqual({ ordered: [], ignored: [] });
  });
});

describe('compareReleases', () => {
  it('is zero only for the same release', () => {
    const release = { name: 'M1', position: [1] };
    expect(compareReleases(release, release)).toBe(0);
    expect(compareReleases(release, { name: 'M2', position: [2] })).toBeLessThan(0);
    expect(compareReleases({ name: 'M2', position: [2] }, release)).toBeGreaterThan(0);
  });
});
