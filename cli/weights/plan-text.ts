import type { PlanReport } from '../../weights/index.ts';
import { tableText } from '../text/table.ts';
import { bytesText, countedText } from './amounts.ts';
import { conflictLines, countsTable, vocabularyLines } from './move-text.ts';

type Tensor = PlanReport['tensors'][number];

/** A plan for people: what would become of every parameter and file, or everything that stands in the way. */
export function planText(title: string, plan: PlanReport): string {
  const { coverage, vocabulary, dtypes, conflicts, problems } = plan;
  if (problems.length > 0 || coverage === null)
    return [title, ...problems.map(({ sentence }) => `Problem: ${sentence}`)].join('\n');
  return [
    title,
    countsTable(coverage),
    ...scaleLines(plan.tensors),
    ...(plan.tied ? ['The embedding is the head too; Δ is added to it once.'] : []),
    `Tensors by dtype: ${dtypeTexts(dtypes)}.`,
    ...(vocabulary === null ? [] : vocabularyLines(vocabulary)),
    ...conflictLines(conflicts),
    tableText(
      ['file', 'size'],
      plan.files.map(({ path, sizeBytes }) => [path, bytesText(sizeBytes)]),
    ),
    `Needed: ${bytesText(plan.diskBytes)} of disk; ${bytesText(plan.memoryBytes)} of memory, and what Node.js takes.`,
    'Nothing was written.',
  ].join('\n');
}

/** λ by how many tensors have it, where they do not all have the same. */
function scaleLines(tensors: readonly Tensor[]): readonly string[] {
  const counts = new Map<string, number>();
  for (const { scales } of tensors) {
    const scale = scales === null ? 'no Δ' : `λ = ${scales.join(', ')}`;
    counts.set(scale, (counts.get(scale) ?? 0) + 1);
  }
  if (counts.size < 2) return [];
  const parts = [...counts].map(([scale, count]) => `${countedText(count, 'tensor')} with ${scale}`);
  return [`Selected: ${parts.join('; ')}.`];
}

function dtypeTexts({ tuned, base, target, output }: PlanReport['dtypes']): string {
  const text = (counts: Readonly<Partial<Record<string, number>>>): string =>
    Object.entries(counts)
      .map(([dtype, count]) => `${dtype} ${String(count ?? 0)}`)
      .join(' ');
  const fineTune = tuned === null ? 'an adapter' : text(tuned);
  return `fine-tune ${fineTune}, base ${text(base)}, target ${text(target)}; output ${text(output)}`;
}
