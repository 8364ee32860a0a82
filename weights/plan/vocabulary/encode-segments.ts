import type { RowTable } from './assign-rows.ts';
import type { RowRule, Segment } from './types.ts';

/** Which sources a rule reads. */
const READS: Readonly<Record<RowRule, readonly ('target' | 'tuned' | 'base')[]>> = {
  move: ['target', 'tuned', 'base'],
  tuned: ['tuned'],
  target: ['target'],
  zero: [],
};

/** Joins neighbouring rows of one rule whose sources are neighbours too; as few segments as there can be. */
export function encodeSegments(table: RowTable): readonly Segment[] {
  const segments: Segment[] = [];
  let start = 0;
  for (let row = 1; row <= table.rules.length; row++) {
    if (row < table.rules.length && continues(table, row)) continue;
    segments.push(segmentAt(table, start, row - start));
    start = row;
  }
  return segments;
}

function continues(table: RowTable, row: number): boolean {
  const rule = table.rules[row];
  if (rule === undefined || rule !== table.rules[row - 1]) return false;
  for (const source of READS[rule]) {
    const rows = table[source];
    if (rows[row] !== (rows[row - 1] ?? -1) + 1) return false;
  }
  return true;
}

function segmentAt(table: RowTable, row: number, count: number): Segment {
  const rule = table.rules[row] ?? 'zero';
  const first = (source: 'target' | 'tuned' | 'base'): number | null =>
    READS[rule].includes(source) ? (table[source][row] ?? null) : null;
  return { count, rule, target: first('target'), tuned: first('tuned'), base: first('base') };
}
