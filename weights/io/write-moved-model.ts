import { join } from 'node:path';
import type { HealthReport } from '../plan/health-report.ts';
import type { FileConflict } from '../plan/plan-files.ts';
import type { Coverage } from '../plan/plan-move.ts';
import type { VocabularySummary } from '../plan/vocabulary/types.ts';
import type { WorkOptions } from './engine/run-plan.ts';
import { makeOutputs, type ComputedOutput, type WrittenFile } from './make-outputs.ts';
import { INDEX_FILE } from './open-model.ts';
import type { OutputFolder } from './output-folder.ts';
import type { PreparedMove } from './prepare-move.ts';
import { PROVENANCE_FILE, serializeProvenance, type ModelOrigin } from './provenance.ts';

/** What becomes of parameters; the four counts add up to the output's. */
export interface ParameterCounts {
  /** Parameters that a Δ was added to, a tied embedding once. */
  readonly parametersMoved: number;
  /** Parameters of vocabulary rows that are the fine-tune's own, or zeros, because no difference exists for their token. */
  readonly parametersMapped: number;
  /** Parameters that are the target's own: not selected, λ = 0, or rows of tokens that only the target has. */
  readonly parametersKept: number;
  /** Parameters of tensors that the spec excludes: the target's own. */
  readonly parametersExcluded: number;
}

/** What became of every parameter, and every file that was written. */
export interface ApplyReport extends ParameterCounts {
  readonly tensors: number;
  /** Always 0: a result that is not finite where the target is is an error. */
  readonly nonFinite: 0;
  readonly vocabulary: VocabularySummary;
  /** Settings that fine-tune and target both had a say in, and whose was taken. */
  readonly conflicts: readonly FileConflict[];
  /** Null where the caller wanted none. */
  readonly health: HealthReport | null;
  /** Sorted by path, relative to the output folder. */
  readonly outputs: readonly WrittenFile[];
}

/** What is remembered of how an output came about. */
export interface MoveStory {
  readonly operation: 'recycle' | 'apply' | 'blend';
  readonly models: readonly ModelOrigin[];
  /** By output: λ and whatever else decides it. */
  readonly settings: readonly Readonly<Record<string, unknown>>[];
}

/** Writes a planned model into each of `outs`, with everything that belongs to it. Errors: those of `makeOutputs`. */
export async function writeMovedModel(
  move: PreparedMove,
  outs: readonly string[],
  story: MoveStory,
  options: WorkOptions,
): Promise<readonly ApplyReport[]> {
  const reports: ApplyReport[] = [];
  await makeOutputs(move.work, outs, options, async (folder, output, computed) => {
    const coverage = move.coverage[output];
    if (coverage === undefined) throw new RangeError(`output ${String(output)} was not planned`);
    const files = [...computed.files, ...(await writeSidecars(move, folder))].sort((a, b) =>
      a.path < b.path ? -1 : 1,
    );
    if (options.digests ?? true) {
      const text = serializeProvenance({ ...story, settings: story.settings[output] ?? {} }, move, coverage, files);
      files.push(await folder.writeFile(PROVENANCE_FILE, new TextEncoder().encode(text)));
    }
    reports.push(toReport(move, coverage, computed, files));
    return files;
  });
  return reports;
}

async function writeSidecars(move: PreparedMove, folder: OutputFolder): Promise<readonly WrittenFile[]> {
  const written: WrittenFile[] = [];
  if (move.indexText !== null) {
    written.push(await folder.writeFile(INDEX_FILE, new TextEncoder().encode(move.indexText)));
  }
  for (const { name, from, text } of move.files) {
    const source = from === 'target' ? move.target : move.fineTune;
    written.push(
      text === null
        ? await folder.copyFile(name, join(source.folder, name))
        : await folder.writeFile(name, new TextEncoder().encode(text)),
    );
  }
  return written;
}

function toReport(
  move: PreparedMove,
  coverage: Coverage,
  { health }: ComputedOutput,
  files: readonly WrittenFile[],
): ApplyReport {
  return {
    ...toCounts(coverage),
    tensors: move.tensors.length,
    nonFinite: 0,
    ...{ vocabulary: move.vocabulary, conflicts: move.conflicts, health },
    outputs: [...files].sort((a, b) => (a.path < b.path ? -1 : 1)),
  };
}

/** Coverage as reports name it. */
export function toCounts({ moved, mapped, kept, excluded }: Coverage): ParameterCounts {
  return {
    parametersMoved: moved,
    parametersMapped: mapped,
    parametersKept: kept,
    parametersExcluded: excluded,
  };
}
