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

  it('puts the five revisions of the paper into the paper’s order with one pattern, however shuffled', () => {
    const names = 'stage{stage}[-ingredient{ingredient}]-step{step}-tokens{tokens:count}';
    const family = { revisions: names, order: ['stage', 'step'] };
    fc.assert(
      fc.property(fc.shuffledSubarray([...STAGE_1, ...STAGE_2, 'main'], { minLength: 6 }), (shuffled) => {
        const { ordered, ignored } = orderReleases(shuffled, family);
        expect(ordered.map(({ name }) => name)).toEqual([...STAGE_1, ...STAGE_2]);
        expect(ignored).toEqual(['main']);
      }),
    );
    const anyText = { revisions: 'stage{stage}…-step{step}-tokens…', order: ['stage', 'step'] };
    expect(namesIn([...STAGE_2, ...STAGE_1], anyText)).toEqual([...STAGE_1, ...STAGE_2]);
  });

  it.each([
    [
      'Llama’s, whose owner changed how it writes them',
      '[Meta-]Llama-{version:version}-{size:count}',
      ['Llama-2-7b', 'Meta-Llama-3-8B', 'Llama-3.1-8B', 'Llama-3.2-3B'],
      ['Llama-3.1-8B-Instruct', 'Llama-Guard-3-8B'],
    ],
    [
      'Qwen’s',
      'Qwen{version:version}-{size:count}',
      ['Qwen1.5-7B', 'Qwen2-7B', 'Qwen2.5-7B', 'Qwen3-8B'],
      ['Qwen2.5-7B-Instruct', 'QwQ-32B', 'Qwen2-VL-7B'],
    ],
  ])('orders the names of a vendor: %s', (_whose, names, ordered, ignored) => {
    const family = { names, order: ['version'] };
    fc.assert(
      fc.property(
        fc.shuffledSubarray([...ordered, ...ignored], { minLength: ordered.length + ignored.length }),
        (all) => {
          const result = orderReleases(all, family);
          expect(result.ordered.map(({ name }) => name)).toEqual(ordered);
          expect([...result.ignored].sort()).toEqual([...ignored].sort());
        },
      ),
    );
  });

  it('puts 3.10 after 3.9, 1B after 500M, and what the name does not say before all that it could', () => {
    const version = { names: 'v{version:version}-step{step}', order: ['version', 'step'] };
    expect(namesIn(['v3.10-step1', 'v3.9-step9', 'v3-step2', 'v3.1-step1'], version)).toEqual([
      'v3-step2',
      'v3.1-step1',
      'v3.9-step9',
      'v3.10-step1',
    ]);
    const count = { names: 't{tokens:count}', order: ['tokens'] };
    expect(namesIn(['t1B', 't500M', 't1.5B', 't2T', 't900K'], count)).toEqual([
      't900K',
      't500M',
      't1B',
      't1.5B',
      't2T',
    ]);
    const zero = { names: '[{step}-]M{release}', order: ['release', 'step'] };
    expect(namesIn(['0-M1', 'M1'], zero)).toEqual(['M1', '0-M1']);
    const optional = { names: 'M{release}[-step{step}]', order: ['release', 'step'] };
    expect(namesIn(['M1-step0', 'M2', 'M1', 'M1-step3'], optional)).toEqual(['M1', 'M1-step0', 'M1-step3', 'M2']);
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

function namesIn(names: readonly string[], family: Parameters<typeof orderReleases>[1]): readonly string[] {
  return orderReleases(names, family).ordered.map(({ name }) => name);
}

describe('compareReleases', () => {
  it('puts what a release has become right after it, first changes first', () => {
    const moved = [
      { name: 'M1@bbb', position: [1, 2] },
      { name: 'M2', position: [2] },
      { name: 'M1@aaa', position: [1, 1] },
      { name: 'M1', position: [1] },
    ];
    expect(moved.sort(compareReleases).map(({ name }) => name)).toEqual(['M1', 'M1@aaa', 'M1@bbb', 'M2']);
    expect(
      moved
        .reverse()
        .sort(compareReleases)
        .map(({ name }) => name),
    ).toEqual(['M1', 'M1@aaa', 'M1@bbb', 'M2']);
  });

  it('goes by place before it goes by name, also where one place is longer', () => {
    const [short, long] = [
      { name: 'Z', position: [1] },
      { name: 'A', position: [1, 1] },
    ];
    expect(compareReleases(short, long)).toBeLessThan(0);
    expect(compareReleases(long, short)).toBeGreaterThan(0);
  });

  it('is zero only for the same release', () => {
    const release = { name: 'M1', position: [1] };
    expect(compareReleases(release, release)).toBe(0);
    expect(compareReleases(release, { name: 'M2', position: [2] })).toBeLessThan(0);
    expect(compareReleases({ name: 'M2', position: [2] }, release)).toBeGreaterThan(0);
  });
});
