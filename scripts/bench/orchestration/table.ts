import { tableText } from '../../../cli/text/table.ts';
import { spreadOf } from '../statistics.ts';
import type { OrchestrationVerdict } from './reaches.ts';
import type { OrchestrationRow, Weight } from './row.ts';

/** Rows and verdicts for a terminal: times, what histories hold, what the processes took, then what had to be reached. */
export function orchestrationText(
  rows: readonly OrchestrationRow[],
  verdicts: readonly OrchestrationVerdict[],
): string {
  const table = (heads: readonly string[], cells: (row: OrchestrationRow) => readonly string[]): string =>
    tableText(
      ['case', 'arms', ...heads],
      rows.map((row) => [row.case, row.arms.join(' + '), ...cells(row)]),
    );
  return [
    table(
      ['lineages', 'releases', 'median', '95 %', 'min–max', 'all', 'releases/s', 'declaring', 'asked again'],
      timeCells,
    ),
    table(['activities', 'a run: events', 'kB', "a release in its lineage's: events", 'kB'], historyCells),
    table(['server: CPU a release', 'peak', 'worker: CPU a release', 'peak', 'database'], processCells),
    tableText(
      ['to reach', '', 'found'],
      verdicts.map(({ reach, mark, found }) => [reach, mark, found]),
    ),
  ].join('\n');
}

function timeCells({ lineages, seconds, totalSeconds, applySeconds, unanswered }: OrchestrationRow): readonly string[] {
  const { median, min, max } = spreadOf(seconds);
  return [
    ...[String(lineages), String(seconds.length), duration(median), duration(atShare(seconds, 0.95))],
    ...[`${duration(min)}–${duration(max)}`, totalSeconds === null ? '' : duration(totalSeconds)],
    ...[totalSeconds === null ? '' : (seconds.length / totalSeconds).toFixed(1), duration(applySeconds)],
    String(unanswered),
  ];
}

function historyCells({ run, lineage }: OrchestrationRow): readonly string[] {
  return [String(run.activities), ...weightCells(run), ...weightCells(lineage)];
}

function processCells(row: OrchestrationRow): readonly string[] {
  const perRelease = (seconds: number): string => duration(seconds / row.seconds.length);
  return [
    ...[perRelease(row.serverCpuSeconds), megabytes(row.serverPeakBytes)],
    ...[perRelease(row.workerCpuSeconds), megabytes(row.workerPeakBytes), megabytes(row.databaseBytes)],
  ];
}

function weightCells({ events, bytes }: Weight): readonly string[] {
  return [events.toFixed(0), (bytes / 1000).toFixed(1)];
}

/** The smallest that at least this share of all is not larger than. */
function atShare(numbers: readonly number[], share: number): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.ceil(share * sorted.length) - 1] ?? NaN;
}

function duration(seconds: number): string {
  return `${seconds.toFixed(2)} s`;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(0)} MB`;
}
