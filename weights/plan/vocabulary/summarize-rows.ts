import type { RowTable } from './assign-rows.ts';
import type { ChosenTokenizer } from './choose-tokenizer.ts';
import type { ChangedId, RowRule, VocabularySummary } from './types.ts';

const NAMED = 5;

/** Counts the output's rows by rule and names the first few tokens of each kind that a reader should know of. */
export function summarizeRows(table: RowTable, { choice, dropped }: ChosenTokenizer): VocabularySummary {
  const count: Record<RowRule, number> = { move: 0, tuned: 0, target: 0, zero: 0 };
  const names: Record<RowRule, string[]> = { move: [], tuned: [], target: [], zero: [] };
  const changedIds: ChangedId[] = [];
  let padding = 0;
  let changed = 0;
  table.rules.forEach((rule, row) => {
    count[rule]++;
    const token = table.tokens[row];
    if (token === undefined) {
      padding++;
      return;
    }
    if (names[rule].length < NAMED) names[rule].push(token);
    const from = table.tuned[row] ?? -1;
    if (from < 0 || from === row) return;
    changed++;
    if (changedIds.length < NAMED) changedIds.push({ token, from, to: row });
  });
  return {
    choice,
    matched: 'tokens',
    moved: count.move,
    fromTuned: count.tuned,
    kept: count.target,
    zero: count.zero,
    padding,
    dropped: dropped.length,
    changed,
    names: { fromTuned: names.tuned, kept: names.target, dropped: dropped.slice(0, NAMED) },
    changedIds,
  };
}
