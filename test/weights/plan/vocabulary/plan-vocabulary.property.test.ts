import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planVocabulary } from '../../../../weights/plan/vocabulary/plan-vocabulary.ts';
import type {
  ModelVocabulary,
  RowRule,
  VocabularyInput,
  VocabularyPlan,
} from '../../../../weights/plan/vocabulary/types.ts';
import { model, outputTokens, rowsOf, tokensOf, type Row } from './vocabularies.ts';

const WORDS = ['a', 'b', 'c', 'd', 'e', 'f'];
const ADDED = ['<1>', '<2>', '<3>', '<4>'];
const MAX_ID = 14;

/** Some of the tokens at distinct ids, holes between them, and a row count that may be too small for the highest. */
const anyModel = fc
  .record({
    tokens: fc.subarray([...WORDS, ...ADDED]),
    ids: fc.shuffledSubarray(
      Array.from({ length: MAX_ID }, (_, id) => id),
      { minLength: MAX_ID },
    ),
    rows: fc.integer({ min: 1, max: 20 }),
    isSorted: fc.boolean(),
  })
  .map(({ tokens, ids, rows, isSorted }) => {
    const used = ids.slice(0, tokens.length);
    if (isSorted) used.sort((a, b) => a - b);
    return model(Object.fromEntries(tokens.map((token, i) => [token, used[i]!])), rows);
  });

/** Models without relation, and the usual ones: base, base plus tokens, base plus other tokens. */
const anyModels = fc.oneof(
  fc.record({ base: anyModel, tuned: anyModel, target: anyModel }),
  fc
    .record({
      shared: fc.integer({ min: 0, max: WORDS.length }),
      own: fc.subarray(ADDED),
      theirs: fc.subarray(ADDED),
      paddings: fc.tuple(fc.nat(9), fc.nat(9), fc.nat(9)),
    })
    .map(({ shared, own, theirs, paddings }) => {
      const words = WORDS.slice(0, shared);
      const padded = (tokens: readonly string[], padding: number): ModelVocabulary =>
        model(tokens, tokens.length + padding);
      return {
        base: padded(words, paddings[0]),
        tuned: padded([...words, ...own], paddings[1]),
        target: padded([...words, ...theirs], paddings[2]),
      };
    }),
);

type Models = Omit<VocabularyInput, 'addedTokens'>;

/** Runs a claim on every plan there is; most inputs have one. */
function forEveryPlan(claim: (models: Models, plan: VocabularyPlan) => void): void {
  fc.assert(
    fc.property(anyModels, (models) => {
      const outcome = planVocabulary({ ...models, addedTokens: new Set(ADDED) });
      if (outcome.kind === 'plan') claim(models, outcome.plan);
    }),
    { numRuns: 2000, seed: 20250320 },
  );
}

function rowOf({ vocabulary, rows }: ModelVocabulary, token: string): number | null {
  const row = vocabulary.kind === 'tokens' ? vocabulary.tokens.get(token) : undefined;
  return row !== undefined && row < rows ? row : null;
}

/** The row of a token in the output, from the rules as a reader would apply them; null: no model has a row for it. */
function expected({ base, tuned, target }: Models, token: string): Row | null {
  const row = { target: rowOf(target, token), tuned: rowOf(tuned, token), base: rowOf(base, token) };
  if (row.target !== null && row.tuned !== null && row.base !== null) return { rule: 'move', ...row };
  if (row.target !== null) return { rule: 'target', target: row.target, tuned: null, base: null };
  if (row.tuned !== null) return { rule: 'tuned', target: null, tuned: row.tuned, base: null };
  return null;
}

describe('in every vocabulary plan', () => {
  it('each output row is accounted for once, by the segments and by the summary', () => {
    forEveryPlan((_, plan) => {
      const rows = rowsOf(plan);
      expect(rows.length).toBe(plan.rows);
      const count = (rule: RowRule): number => rows.filter((row) => row.rule === rule).length;
      const { moved, fromTuned, kept, zero } = plan.summary;
      expect([moved, fromTuned, kept, zero]).toEqual([count('move'), count('tuned'), count('target'), count('zero')]);
    });
  });

  it('each rule reads the sources that it needs, inside their matrices, and no others', () => {
    const reads: Readonly<Record<RowRule, string>> = {
      ...{ move: 'base,target,tuned', tuned: 'tuned', target: 'target', zero: '' },
    };
    forEveryPlan((models, plan) => {
      for (const { rule, ...sources } of rowsOf(plan)) {
        const read = Object.entries(sources).flatMap(([name, row]) => (row === null ? [] : [name]));
        expect(read.sort().join()).toBe(reads[rule]);
        for (const name of ['base', 'tuned', 'target'] as const) {
          const row = sources[name] ?? 0;
          expect(row >= 0 && (sources[name] === null || row < models[name].rows)).toBe(true);
        }
      }
    });
  });

  it("each token of the output's tokenizer sits at the row that is made of its own rows", () => {
    forEveryPlan((models, plan) => {
      const rows = rowsOf(plan);
      const isMatchedByRow = plan.segments.length === 1 && plan.summary.moved === plan.rows;
      for (const [token, row] of outputTokens(models, plan)) {
        const wanted = expected(models, token);
        if (wanted !== null && !isMatchedByRow) expect(rows[row]).toEqual(wanted);
      }
    });
  });

  it('rows without a token hold padding, never the row of a token', () => {
    forEveryPlan((models, plan) => {
      const tokens = new Set(outputTokens(models, plan).values());
      const used = {
        target: new Set(tokensOf(models.target).values()),
        tuned: new Set(tokensOf(models.tuned).values()),
      };
      rowsOf(plan).forEach(({ rule, target, tuned }, row) => {
        if (tokens.has(row) || rule === 'move') return;
        if (row < models.target.rows) expect(target).toBe(row);
        else if (row < models.tuned.rows && !used.tuned.has(row)) expect(tuned).toBe(row);
        else expect(rule).toBe('zero');
        expect(used.target.has(target ?? -1)).toBe(false);
      });
    });
  });

  it('the output keeps every token of the target and every added token of the fine-tune', () => {
    forEveryPlan((models, plan) => {
      const tokens = outputTokens(models, plan);
      for (const token of tokensOf(models.target).keys()) expect(tokens.has(token)).toBe(true);
      for (const token of tokensOf(models.tuned).keys())
        if (ADDED.includes(token)) expect(tokens.has(token)).toBe(true);
      expect(new Set(tokens.values()).size).toBe(tokens.size);
    });
  });

  it('neighbouring segments could not be one', () => {
    forEveryPlan((_, { segments }) => {
      segments.slice(1).forEach((segment, i) => {
        const before = segments[i]!;
        const follows = (name: 'target' | 'tuned' | 'base'): boolean =>
          segment[name] === (before[name] === null ? null : before[name] + before.count);
        expect(segment.rule === before.rule && follows('target') && follows('tuned') && follows('base')).toBe(false);
      });
    });
  });
});

describe('a vocabulary plan', () => {
  it('is one segment for the same model three times', () => {
    fc.assert(
      fc.property(anyModel, (one) => {
        const same = { base: one, tuned: { ...one }, target: { ...one } };
        const outcome = planVocabulary({ ...same, addedTokens: new Set() });
        const segments = [{ count: one.rows, rule: 'move', target: 0, tuned: 0, base: 0 }];
        expect(outcome).toMatchObject({ kind: 'plan', plan: { segments } });
      }),
      { seed: 1 },
    );
  });

  it("makes the same of each token when base or fine-tune number theirs otherwise, and the target's tokenizer stays", () => {
    const renumbered = ({ vocabulary }: ModelVocabulary, ids: readonly number[]): ModelVocabulary =>
      model(
        Object.fromEntries([...tokensOf({ vocabulary, rows: 0 })].map(([token, row]) => [token, ids[row]!])),
        MAX_ID,
      );
    const rules = (models: Models): Readonly<Record<string, RowRule | undefined>> | null => {
      const outcome = planVocabulary({ ...models, addedTokens: new Set(ADDED) });
      if (outcome.kind !== 'plan' || outcome.plan.summary.choice !== 'target') return null;
      const rows = rowsOf(outcome.plan);
      const tokens = [...outputTokens(models, outcome.plan)].filter(([token]) => expected(models, token) !== null);
      return Object.fromEntries(tokens.map(([token, row]) => [token, rows[row]?.rule]));
    };
    const order = fc.shuffledSubarray(
      Array.from({ length: MAX_ID }, (_, id) => id),
      { minLength: MAX_ID },
    );
    let compared = 0;
    fc.assert(
      fc.property(anyModel, anyModel, anyModel, order, order, (base, tuned, target, ids, otherIds) => {
        const wide = { base: { ...base, rows: MAX_ID }, tuned: { ...tuned, rows: MAX_ID }, target };
        const before = rules(wide);
        const after = rules({ base: renumbered(base, ids), tuned: renumbered(tuned, otherIds), target });
        if (before === null || after === null) return;
        compared++;
        expect(after).toEqual(before);
      }),
      { numRuns: 500, seed: 2 },
    );
    expect(compared).toBeGreaterThan(20);
  });
});
