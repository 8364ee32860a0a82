import { describe, expect, it } from 'vitest';
import { conflictLines, countsTable, parametersOf, vocabularyLines } from '../../../cli/weights/move-text.ts';
import { applyReport, vocabularySummary } from './engine-reports.ts';

describe('what becomes of parameters', () => {
  it('is a table of counts and shares that add up', () => {
    expect(parametersOf(applyReport())).toBe(2000);
    const rows = countsTable(applyReport()).split('\n').slice(2, 6);
    expect(
      rows.map((row) =>
        row
          .split('│')
          .map((cell) => cell.trim())
          .slice(1, 4),
      ),
    ).toEqual([
      ['moved', '1,500', '75.0 %'],
      ['mapped', '300', '15.0 %'],
      ['kept', '200', '10.0 %'],
      ['excluded', '0', '0.0 %'],
    ]);
  });
});

describe('what becomes of the vocabulary', () => {
  it('is one sentence where every row moves', () => {
    expect(vocabularyLines(vocabularySummary())).toEqual([
      "Vocabulary: the fine-tune's tokenizer; rows matched by token: 4 moved.",
    ]);
  });

  it('names examples of everything that does not', () => {
    const summary = vocabularySummary({
      ...{ choice: 'target', matched: 'position', moved: 1000, fromTuned: 2, kept: 6, zero: 3, padding: 2 },
      ...{ dropped: 1, changed: 2, changedIds: [{ token: '<x>', from: 5, to: 900 }] },
      names: { fromTuned: ['<x>', '<y>'], kept: ['<p>'], dropped: ['<old>'] },
    });
    expect(vocabularyLines(summary)).toEqual([
      "Vocabulary: the target's tokenizer with the fine-tune's tokens; rows matched by position: 1,000 moved, " +
        "2 the fine-tune's own (<x>, <y>), 6 the target's own (<p>, …), 3 zeros, 2 of them padding.",
      'Tokens that the output no longer has: 1 (<old>).',
      'Tokens of the fine-tune that get another row: 2 (<x> 5 → 900, …).',
    ]);
  });
});

describe('conflicts', () => {
  it('are said to be none', () => {
    expect(conflictLines([])).toEqual(['Conflicts: none.']);
  });

  it('have all three values and whose was taken', () => {
    expect(
      conflictLines([
        { file: 'config.json', field: 'rope_theta', base: 1, tuned: 2, target: 3, taken: 'target' },
        { file: 'generation_config.json', field: 'top_p', base: null, tuned: 0.9, target: [1], taken: 'tuned' },
      ]),
    ).toEqual([
      'Conflicts: 2 settings that fine-tune and target both have a say in.',
      "  config.json rope_theta: base 1, fine-tune 2, target 3; taken: the target's",
      "  generation_config.json top_p: base does not say, fine-tune 0.9, target [1]; taken: the fine-tune's",
    ]);
  });
});
