import type { ModelVocabulary, RowRange, Segment } from './types.ts';

/** Rows of a fine-tune, planned as its own target, that are no difference: the base lacks their token, or they are padding. */
export function introducedRows(segments: readonly Segment[]): readonly RowRange[] {
  const ranges: RowRange[] = [];
  let row = 0;
  for (const { rule, count } of segments) {
    if (rule !== 'move') ranges.push([row, count]);
    row += count;
  }
  return ranges;
}

/** The tokens that a delta has differences for: the fine-tune's, without those at introduced rows. */
export function withoutRows(vocabulary: ModelVocabulary, introduced: readonly RowRange[]): ModelVocabulary {
  if (vocabulary.vocabulary.kind !== 'tokens' || introduced.length === 0) return vocabulary;
  const isIntroduced = createLookup(introduced);
  const tokens = new Map([...vocabulary.vocabulary.tokens].filter(([, row]) => !isIntroduced(row)));
  return { ...vocabulary, vocabulary: { kind: 'tokens', tokens }, isPartial: true };
}

/** Whether a row lies in one of the ranges; nothing is made of a length that a file claims. */
function createLookup(introduced: readonly RowRange[]): (row: number) => boolean {
  const ranges = [...introduced].sort(([a], [b]) => a - b);
  return (row) => {
    let [low, high] = [0, ranges.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((ranges[middle]?.[0] ?? 0) <= row) low = middle + 1;
      else high = middle;
    }
    const [first, count] = ranges[low - 1] ?? [0, 0];
    return row - first < count;
  };
}
