import { describe, expect, it } from 'vitest';
import type { AutoSpec, MeasuredLevel, StartChoice } from '../../contracts/choice.schema.ts';
import { chooseStart } from '../../policy/choose-start.ts';
import { keepBest } from '../../policy/keep-best.ts';
import { noticedDifference } from '../../policy/statistics/paired-power.ts';
import { digestOf, makeStep } from '../support/lineage-values.ts';

// arXiv 2503.20110, version 2. Rows are Δ1…Δ5, columns M1…M5; per cent right.
/** Table 3, first row: the bases on GSM8K. */
const BASE = [13.2, 19.4, 24.4, 64.5, 65.5];
/** Table 3, last row: plain fine-tunes. */
const PLAIN = [45.1, 50.7, 60.4, 75.7, 75.5];
/** Table 3: M_i + Δ_j, nothing trained. */
const MERGED = [
  [null, 26.6, 32.0, 27.5, 19.6],
  [19.0, null, 39.8, 25.9, 17.3],
  [14.3, 25.0, null, 68.6, 70.3],
  [11.8, 18.0, 22.6, null, 77.1],
  [11.9, 16.0, 24.0, 72.9, null],
];
/** Table 4: FT(M_i + Δ_j). */
const TUNED = [
  [null, 56.9, 62.8, 77.8, 78.6],
  [50.1, null, 62.7, 78.6, 78.7],
  [48.5, 57.6, null, 77.6, 77.1],
  [48.2, 56.7, 63.7, null, 77.0],
  [47.6, 55.6, 63.5, 74.6, null],
];
/** Table 5: the same on GPQA-Diamond, a task that was not trained; and its plain fine-tunes. */
const GPQA = [
  [null, 25.3, 25.2, 33.3, 25.8],
  [27.8, null, 25.3, 30.8, 27.3],
  [27.8, 27.8, null, 23.7, 27.3],
  [24.8, 24.8, 26.3, null, 24.2],
  [22.7, 26.8, 23.2, 27.8, null],
];
const GPQA_PLAIN = [25.8, 26.8, 26.8, 19.2, 26.3];
const GSM8K_SAMPLES = 1_319;
const GPQA_SAMPLES = 198;

interface Cell {
  /** Target release and where Δ came from, 1 to 5. */
  readonly target: number;
  readonly source: number;
  readonly base: number;
  readonly oldFinetune: number;
  readonly merged: number;
  /** What the paper got by fine-tuning from the merge, and from the base. */
  readonly tuned: number;
  readonly plain: number;
}

const CELLS: readonly Cell[] = MERGED.flatMap((row, delta) =>
  row.flatMap((merged, model): Cell[] => {
    const [tuned, base, plain, oldFinetune] = [TUNED[delta]?.[model], BASE[model], PLAIN[model], PLAIN[delta]];
    if (merged === null || tuned === null || tuned === undefined) return [];
    if (base === undefined || plain === undefined || oldFinetune === undefined) return [];
    return [{ target: model + 1, source: delta + 1, base, oldFinetune, merged, tuned, plain }];
  }),
);

function level(percent: number): MeasuredLevel {
  const score = percent / 100;
  return { score, samples: GSM8K_SAMPLES, standardError: Math.sqrt((score * (1 - score)) / GSM8K_SAMPLES) };
}

/** The old fine-tune is taken to be live, and the gate to pass what reaches it: the paper has no single outcomes. */
function choose(cell: Cell, whenBaseIsStronger: AutoSpec['whenBaseIsStronger']): StartChoice {
  const old = { release: `M${String(cell.source)}`, level: level(cell.oldFinetune) };
  return chooseStart(
    {
      base: { release: `M${String(cell.target)}`, modelDigest: digestOf('base'), level: level(cell.base) },
      merges: [
        {
          scale: 1,
          modelDigest: digestOf('merge'),
          level: level(cell.merged),
          gate: cell.merged >= cell.oldFinetune ? 'pass' : 'reject',
          forbidden: null,
        },
      ],
      published: old,
      oldFinetune: old,
    },
    { whenBaseIsStronger },
  );
}

const nameOf = ({ target, source }: Cell): string => `M${String(target)} + Δ${String(source)}`;
const chosen = (kind: StartChoice['kind'], whenBaseIsStronger: AutoSpec['whenBaseIsStronger']): readonly Cell[] =>
  CELLS.filter((cell) => choose(cell, whenBaseIsStronger).kind === kind);

describe('the 20 cells of Tables 3 and 4, through chooseStart', () => {
  it('are all there', () => {
    expect(CELLS).toHaveLength(20);
  });

  it('with the defaults: 13 are fine-tuned from the merge, 3 are published as they are, 4 are skipped', () => {
    expect(chosen('publish-merge', 'skip').map(nameOf)).toEqual(['M4 + Δ3', 'M5 + Δ3', 'M5 + Δ4']);
    expect(chosen('skip', 'skip').map(nameOf)).toEqual(['M4 + Δ1', 'M5 + Δ1', 'M4 + Δ2', 'M5 + Δ2']);
    expect(chosen('finetune', 'skip')).toHaveLength(13);
  });

  it('fine-tuning from the merge was right in 12 of those 13: better than from the base; the other lost 1.1 points', () => {
    const worse = chosen('finetune', 'skip').filter(({ tuned, plain }) => tuned <= plain);
    expect(worse.map(nameOf)).toEqual(['M4 + Δ5']);
    expect(worse.map(({ tuned, plain }) => (plain - tuned).toFixed(1))).toEqual(['1.1']);
  });

  it('publishing M5 + Δ4 was right: 77.1 became 77.0 by the whole training, and plain fine-tuning got 75.5', () => {
    const right = chosen('publish-merge', 'skip').filter(({ merged, tuned }) => merged >= tuned);
    expect(right.map(nameOf)).toEqual(['M5 + Δ4']);
    expect(right.every(({ merged, plain }) => merged > plain)).toBe(true);
  });

  it('where the base has outgrown the old fine-tune the defaults save the training and lose 6.8 to 61.4 points of it', () => {
    const outgrown = CELLS.filter(({ base, oldFinetune }) => base > oldFinetune);
    expect(outgrown.map(nameOf)).toEqual(['M4 + Δ1', 'M5 + Δ1', 'M4 + Δ2', 'M5 + Δ2', 'M4 + Δ3', 'M5 + Δ3']);
    expect(outgrown.map((cell) => choose(cell, 'skip').kind).filter((kind) => kind === 'finetune')).toEqual([]);
    // Training paid in all six, over the untouched base by 11 points and more, and over plain fine-tuning.
    expect(Math.min(...outgrown.map(({ tuned, base }) => tuned - base))).toBeGreaterThan(11);
    expect(outgrown.every(({ tuned, plain }) => tuned > plain)).toBe(true);
    const gains = outgrown.map(({ tuned, merged }) => Number((tuned - merged).toFixed(1)));
    expect([Math.min(...gains), Math.max(...gains)]).toEqual([6.8, 61.4]);
  });

  it('with whenBaseIsStronger: finetune: 19 are fine-tuned from the merge, 18 of them rightly, and M5 + Δ4 is published', () => {
    expect(chosen('publish-merge', 'finetune').map(nameOf)).toEqual(['M5 + Δ4']);
    expect(chosen('skip', 'finetune')).toEqual([]);
    const tuned = chosen('finetune', 'finetune');
    expect(tuned).toHaveLength(19);
    expect(tuned.filter((cell) => cell.tuned > cell.plain)).toHaveLength(18);
  });

  it('from the merge it is each time, never from the base: where the base scored higher, the merge made the better fine-tune, 10 of 10', () => {
    const starts = chosen('finetune', 'finetune').map((cell) => choose(cell, 'finetune'));
    expect(starts.map((start) => (start.kind === 'finetune' ? start.scale : null))).toEqual(new Array(19).fill(1));
    const lower = CELLS.filter(({ merged, base }) => merged < base);
    expect(lower).toHaveLength(10);
    expect(lower.every(({ tuned, plain }) => tuned > plain)).toBe(true);
  });

  it('the score at step 0 does not tell which Δ makes the best fine-tune: it agrees at two releases and is turned round at three', () => {
    const agreement = [1, 2, 3, 4, 5].map((target) => {
      const cells = CELLS.filter((cell) => cell.target === target);
      const pairs = cells.flatMap((one, index) =>
        cells.slice(index + 1).map((other) => (one.merged - other.merged) * (one.tuned - other.tuned)),
      );
      return Math.sign(pairs.reduce((sum, product) => sum + Math.sign(product), 0));
    });
    expect(agreement).toEqual([1, 1, -1, -1, -1]);
  });
});

describe('Table 2, Global MMLU', () => {
  it.each([
    ['Malagasy', 30.8, 27.6, 32.3, 'publish-merge'],
    ['Sinhala', 29.0, 33.0, 32.3, 'skip'],
    ['Turkish', 43.2, 27.7, 43.2, 'publish-merge'],
  ])(
    '%s: the authors’ rule, that recycling helps while the target base is weaker than the old fine-tune',
    (_language, oldFinetune, base, merged, kind) => {
      expect(choose({ target: 2, source: 1, base, oldFinetune, merged, tuned: NaN, plain: NaN }, 'skip').kind).toBe(
        kind,
      );
    },
  );
});

describe('what the tables’ sample sizes can tell', () => {
  it('Table 4: step 0 is kept where the training made nothing better (77.1 → 77.0)', () => {
    const merged = makeStep(0, { score: 0.771 });
    expect(keepBest([merged, makeStep(30_000, { score: 0.77 })])).toBe(merged);
  });

  it('Table 5: of 20 differences from plain fine-tuning on 198 questions, two are larger than what such a suite notices', () => {
    // Assumed: three in ten answers change from one model to the other.
    const noticed = 100 * (noticedDifference(GPQA_SAMPLES, 0.8, 0.3, { bound: 0, alpha: 0.05 }) ?? NaN);
    expect(noticed).toBeCloseTo(9.7, 0);
    const differences = GPQA.flatMap((row) =>
      row.flatMap((score, model) => (score === null ? [] : [score - (GPQA_PLAIN[model] ?? NaN)])),
    );
    expect(differences).toHaveLength(20);
    expect(differences.filter((difference) => Math.abs(difference) > noticed).map((one) => one.toFixed(1))).toEqual([
      '14.1',
      '11.6',
    ]);
  });

  it('Table 6: iterative against direct (+0.7, −0.2, +1.6) is under what 1,319 questions notice', () => {
    const direct = [62.7, 77.6, 77.0];
    const iterative = [63.4, 77.4, 78.6];
    const noticed = 100 * (noticedDifference(GSM8K_SAMPLES, 0.8, 0.1, { bound: 0, alpha: 0.05 }) ?? NaN);
    expect(noticed).toBeCloseTo(2.2, 1);
    const differences = iterative.map((score, index) => score - (direct[index] ?? NaN));
    expect(differences.map((one) => one.toFixed(1))).toEqual(['0.7', '-0.2', '1.6']);
    expect(differences.every((difference) => Math.abs(difference) < noticed)).toBe(true);
  });
});
