import { tableText } from '../../../cli/text/table.ts';
import { spreadOf } from '../statistics.ts';
import type { InferenceVerdict } from './reaches.ts';
import type { InferenceRow } from './row.ts';

/** Rows and verdicts for a terminal: what was measured, then what had to be reached. */
export function inferenceText(rows: readonly InferenceRow[], verdicts: readonly InferenceVerdict[]): string {
  const heads = ['case', 'model', 'threads', 'tool', 'runs', 'median', 'min–max', '× transformers', 'loaded', 'peak'];
  return [
    tableText(
      heads,
      rows.map((row) => cellsOf(row, rows)),
    ),
    tableText(
      ['to reach', '', 'found'],
      verdicts.map(({ reach, mark, found }) => [reach, mark, found]),
    ),
  ].join('\n');
}

function cellsOf(row: InferenceRow, rows: readonly InferenceRow[]): readonly string[] {
  const { median, min, max } = spreadOf(row.seconds);
  const isBeside = (other: InferenceRow): boolean =>
    other.case === row.case && other.model === row.model && other.threads === row.threads;
  const theirs = rows.find((other) => other.tool === 'transformers' && isBeside(other));
  const ratio = theirs === undefined || theirs === row ? '' : (spreadOf(theirs.seconds).median / median).toFixed(2);
  return [
    ...[row.case, row.model, String(row.threads), row.tool, String(row.seconds.length), duration(median)],
    ...[`${duration(min)}–${duration(max)}`, ratio, megabytes(row.memoryBytes), megabytes(row.peakBytes)],
  ];
}

/** Seconds, or milliseconds where a tenth of a second is nothing. */
function duration(seconds: number): string {
  return seconds < 0.1 ? `${(seconds * 1000).toFixed(1)} ms` : `${seconds.toFixed(2)} s`;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(0)} MB`;
}
