import path from 'node:path';
import type { ApplyReport } from '../../weights/index.ts';
import { tableText } from '../text/table.ts';
import { bytesText, durationText, ratioText } from './amounts.ts';
import { conflictLines, countsTable, vocabularyLines } from './move-text.ts';

type Health = NonNullable<ApplyReport['health']>;
type Files = readonly { readonly path: string; readonly sizeBytes: number }[];

/** A report, and the λ and folder that it is of. */
export interface MoveResult {
  readonly scale: number;
  readonly out: string;
  readonly report: ApplyReport;
}

/** How long the work took, and whether a part of it had been done before. */
export interface Effort {
  readonly seconds: number;
  readonly isContinued: boolean;
}

const MOST_MOVED = 5;

/** The report of one output: what became of its parameters, how large Δ was, and the files. */
export function reportText(title: string, { report, out }: Omit<MoveResult, 'scale'>, effort: Effort): string {
  return [
    title,
    countsTable(report),
    ...(report.health === null ? [] : [...healthLines(report.health), ...mostMoved(report.health)]),
    ...vocabularyLines(report.vocabulary),
    ...conflictLines(report.conflicts),
    filesTable(report.outputs),
    effortLine(report.outputs, effort, out),
  ].join('\n');
}

/** The report of a sweep: a line for every λ; what is the same for all of them once. */
export function sweepText(title: string, results: readonly MoveResult[], out: string, effort: Effort): string {
  const [first] = results;
  if (first === undefined) return title;
  const rows = results.map(({ scale, out: folder, report: { health } }) => [
    ...[String(scale), ratioText(health?.relativeNorm ?? null), ratioText(health?.realisedError ?? null)],
    ...[cosineText(health?.cosine ?? null), path.basename(folder)],
  ]);
  return [
    title,
    tableText(['λ', '‖λΔ‖ / ‖target‖', 'rounding error / ‖λΔ‖', 'cosine with previous Δ', 'folder'], rows),
    `Of each output (λ = ${String(first.scale)}):`,
    countsTable(first.report),
    ...vocabularyLines(first.report.vocabulary),
    ...conflictLines(first.report.conflicts),
    filesTable(first.report.outputs),
    effortLine(
      results.flatMap(({ report }) => report.outputs),
      effort,
      out,
    ),
  ].join('\n');
}

function healthLines({ relativeNorm, realisedError, cosine }: Health): readonly string[] {
  const size = relativeNorm === null ? 'not defined: the target is all zeros' : ratioText(relativeNorm);
  const rounding =
    realisedError === null ? '' : `; of λΔ, rounding to the output's dtype took ${ratioText(realisedError)}`;
  const direction = cosine === null ? [] : [`Cosine of Δ with the previous Δ: ${cosineText(cosine)}.`];
  return [`‖λΔ‖ / ‖target‖: ${size}${rounding}.`, ...direction];
}

function mostMoved({ tensors }: Health): readonly string[] {
  const moved = tensors.filter(({ relativeNorm }) => relativeNorm !== null && relativeNorm > 0);
  if (moved.length === 0) return ['No tensor moved.'];
  const most = [...moved].sort((a, b) => (b.relativeNorm ?? 0) - (a.relativeNorm ?? 0)).slice(0, MOST_MOVED);
  const rows = most.map(({ name, relativeNorm, realisedError }) => [
    ...[name, ratioText(relativeNorm), ratioText(realisedError)],
  ]);
  return [tableText(['moved most', '‖λΔ‖ / ‖target‖', 'rounding error / ‖λΔ‖'], rows)];
}

function cosineText(cosine: number | null): string {
  return cosine === null ? '–' : cosine.toFixed(3);
}

/** A table of files with their sizes. */
export function filesTable(files: Files): string {
  return tableText(
    ['file', 'size'],
    files.map(({ path: file, sizeBytes }) => [file, bytesText(sizeBytes)]),
  );
}

/** How much was written where in what time; a speed only where this run did all of it. */
export function effortLine(files: Files, { seconds, isContinued }: Effort, out: string): string {
  const bytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const speed = isContinued
    ? ', going on where an earlier run was stopped'
    : `, ${bytesText(seconds > 0 ? bytes / seconds : 0)}/s`;
  return `Wrote ${bytesText(bytes)} to ${out} in ${durationText(seconds)}${speed}.`;
}
