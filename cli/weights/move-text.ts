import type { ApplyReport } from '../../weights/index.ts';
import { tableText } from '../text/table.ts';
import { countedText, countText, shareText } from './amounts.ts';

/** What becomes of parameters, as plans and reports count it. */
export type Counts = Pick<
  ApplyReport,
  'parametersMoved' | 'parametersMapped' | 'parametersKept' | 'parametersExcluded'
>;
type Vocabulary = ApplyReport['vocabulary'];
type Conflict = ApplyReport['conflicts'][number];

/** All parameters of the output. */
export function parametersOf(counts: Counts): number {
  const { parametersMoved, parametersMapped, parametersKept, parametersExcluded } = counts;
  return parametersMoved + parametersMapped + parametersKept + parametersExcluded;
}

/** A table of what becomes of every parameter. */
export function countsTable(counts: Counts): string {
  const all = parametersOf(counts);
  const row = (name: string, count: number, meaning: string): readonly string[] => [
    ...[name, countText(count), shareText(count, all), meaning],
  ];
  return tableText(
    ['', 'parameters', 'share', 'their values'],
    [
      row('moved', counts.parametersMoved, "the target's, plus λΔ"),
      row('mapped', counts.parametersMapped, "rows of new tokens: the fine-tune's own, or zeros"),
      row('kept', counts.parametersKept, "the target's own"),
      row('excluded', counts.parametersExcluded, "the target's own, as asked"),
    ],
  );
}

/** What becomes of the vocabulary, a sentence a line. */
export function vocabularyLines(vocabulary: Vocabulary): readonly string[] {
  const { choice, matched, moved, fromTuned, kept, zero, padding, dropped, changed, names, changedIds } = vocabulary;
  const whose =
    choice === 'target' ? "the target's tokenizer with the fine-tune's tokens" : "the fine-tune's tokenizer";
  const how = matched === 'tokens' ? 'by token' : 'by position';
  const rows = [
    `${countText(moved)} moved`,
    ...(fromTuned > 0 ? [`${countText(fromTuned)} the fine-tune's own${named(names.fromTuned, fromTuned)}`] : []),
    ...(kept > 0 ? [`${countText(kept)} the target's own${named(names.kept, kept)}`] : []),
    ...(zero > 0 ? [`${countText(zero)} zeros`] : []),
    ...(padding > 0 ? [`${countText(padding)} of them padding`] : []),
  ];
  const ids = changedIds.map(({ token, from, to }) => `${token} ${String(from)} → ${String(to)}`);
  return [
    `Vocabulary: ${whose}; rows matched ${how}: ${rows.join(', ')}.`,
    ...(dropped > 0
      ? [`Tokens that the output no longer has: ${countText(dropped)}${named(names.dropped, dropped)}.`]
      : []),
    ...(changed > 0
      ? [`Tokens of the fine-tune that get another row: ${countText(changed)}${named(ids, changed)}.`]
      : []),
  ];
}

/** Examples in brackets; three dots where there are more. */
function named(names: readonly string[], count: number): string {
  return names.length === 0 ? '' : ` (${names.join(', ')}${names.length < count ? ', …' : ''})`;
}

/** Settings that the models do not agree on, and whose the output has; a line each. */
export function conflictLines(conflicts: readonly Conflict[]): readonly string[] {
  if (conflicts.length === 0) return ['Conflicts: none.'];
  return [
    `Conflicts: ${countedText(conflicts.length, 'setting')} that fine-tune and target both have a say in.`,
    ...conflicts.map(({ file, field, base, tuned, target, taken }) => {
      const values = `base ${json(base)}, fine-tune ${json(tuned)}, target ${json(target)}`;
      return `  ${file} ${field}: ${values}; taken: the ${taken === 'tuned' ? "fine-tune's" : "target's"}`;
    }),
  ];
}

function json(value: unknown): string {
  return value === null || value === undefined ? 'does not say' : JSON.stringify(value);
}
