import { tableText } from '../../../cli/text/table.ts';
import { spreadOf } from '../statistics.ts';
import type { Verdict } from './reaches.ts';
import type { BenchRow } from './row.ts';

/** Rows and verdicts for a terminal: what was measured, then what had to be reached. */
export function benchText(rows: readonly BenchRow[], verdicts: readonly Verdict[]): string {
  return [
    tableText(['case', 'tool', 'runs', 'median', 'min–max', 'peak memory', 'values off'], rows.map(cellsOf)),
    tableText(
      ['to reach', '', 'found'],
      verdicts.map(({ reach, mark, found }) => [reach, mark, found]),
    ),
  ].join('\n');
}

function cellsOf(row: BenchRow): readonly string[] {
  const { median, min, max } = spreadOf(row.wallSeconds);
  return [
    row.case,
    row.tool,
    String(row.wallSeconds.length),
    duration(median),
    `${duration(min)}–${duration(max)}`,
    `${(row.peakBytes / 1e6).toFixed(0)} MB`,
    row.valuesOff === null ? '' : row.valuesOff.toLocaleString('en-US'),
  ];
}

/** Seconds, or milliseconds where a tenth of a second is nothing. */
function duration(seconds: number): string {
  return seconds < 0.1 ? `${(seconds * 1000).toFixed(1)} ms` : `${seconds.toFixed(2)} s`;
}
