import type { DeltaManifest, DeltaReport, ModelReport, VerifyReport } from '../../weights/index.ts';
import { bytesText, countedText, countText } from './amounts.ts';
import { effortLine, filesTable, type Effort } from './report-text.ts';

/** A delta that has just been made. */
export function newDeltaText(title: string, { manifest, outputs }: DeltaReport, effort: Effort, out: string): string {
  return [title, ...manifestLines(manifest), filesTable(outputs), effortLine(outputs, effort, out)].join('\n');
}

/** A delta as its manifest describes it. */
export function deltaText(folder: string, manifest: DeltaManifest): string {
  const files = [...manifest.shards, ...manifest.fineTune];
  const bytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  return [
    `${folder}: a delta of ${bytesText(bytes)}`,
    ...manifestLines(manifest),
    `Subtracted: tuned ${manifest.parents.tuned} − base ${manifest.parents.base}.`,
    filesTable(files),
  ].join('\n');
}

function manifestLines(manifest: DeltaManifest): readonly string[] {
  const { architecture, tied, tensorCount, parameterCount, norm, dtypes } = manifest;
  const counts: Record<string, number> = {};
  for (const dtype of Object.values(dtypes)) counts[dtype] = (counts[dtype] ?? 0) + 1;
  return [
    `${architecture}: ${countText(parameterCount)} parameters in ${countedText(tensorCount, 'tensor')} (${dtypesText(counts)})${tiedText(tied)}.`,
    `‖Δ‖: ${String(Number(norm.toPrecision(6)))}.`,
  ];
}

/** A model at a glance. */
export function modelText(folder: string, report: ModelReport): string {
  const { architecture, parameterCount, tensors, dtypes, tied, vocabularySize, sizeBytes, tokenizerDigest } = report;
  return [
    `${folder}: a model of ${bytesText(sizeBytes)}`,
    `${architecture}: ${countText(parameterCount)} parameters in ${countedText(tensors, 'tensor')} (${dtypesText(dtypes)})${tiedText(tied)}.`,
    `Vocabulary: ${vocabularySize === null ? 'config.json does not say' : countedText(vocabularySize, 'row')}; tokenizer ${tokenizerDigest === null ? 'none' : `sha256:${tokenizerDigest}`}.`,
    ...(report.problems.length === 0 ? ['Nothing here keeps it from being recycled.'] : []),
    ...report.problems.map(({ sentence }) => `Problem: ${sentence}`),
  ].join('\n');
}

/** A folder whose files are all as they were written. */
export function verifiedText(folder: string, report: VerifyReport): string {
  const { kind, files, sizeBytes, operation, models } = report;
  const origins = models.map(({ role, digest, layout }) => {
    const name = digest ?? (layout === null ? 'not named' : `layout sha256:${layout}`);
    return `  ${role}: ${name}`;
  });
  return [
    `${folder}: a ${kind} made by ${operation}; ${countedText(files, 'file')} (${bytesText(sizeBytes)}) ${files === 1 ? 'is as it was' : 'are as they were'} written.`,
    'Made of:',
    ...origins,
  ].join('\n');
}

function dtypesText(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .map(([dtype, count]) => `${dtype} ${String(count)}`)
    .join(', ');
}

function tiedText(tied: boolean): string {
  return tied ? '; the embedding is the head too' : '';
}
