import { join } from 'node:path';
import { noTotals, type Totals } from '../../ops/health-totals.ts';
import type { Kernel } from '../../ops/kernel.ts';
import type { PieceComputer } from '../../ops/compute-piece.ts';
import type { PieceLayout } from '../../ops/piece-layout.ts';
import type { FilePlan, Part, WorkPlan } from '../../plan/work-plan.ts';
import { FileJournal, type JournalEntry } from './file-journal.ts';
import { GrowingFile, type WriteOptions } from './growing-file.ts';
import type { OperandReader } from './operand-reader.ts';

/** What one thread streams files with. */
export interface StreamContext {
  readonly plan: WorkPlan;
  /** Where each output is made. */
  readonly folders: readonly string[];
  /** Where it is remembered how far files have come. */
  readonly journals: string;
  readonly kernel: Kernel;
  readonly layout: PieceLayout;
  readonly reader: OperandReader;
  readonly computer: PieceComputer;
  readonly write: WriteOptions;
}

/** A finished file. */
export interface FileResult {
  readonly name: string;
  /** The same in every output. */
  readonly sizeBytes: number;
  /** sha256 by output, hex; null where nothing was hashed. */
  readonly sha256: readonly (string | null)[];
  /** What was measured, by tensor (an index into the plan's), by output. */
  readonly totals: readonly (readonly [tensor: number, outputs: readonly Totals[]])[];
}

/** A piece that is done, or that an earlier try had done. */
export interface PieceDone {
  readonly tensor: number;
  readonly elements: number;
}

/**
 * Writes one file of every output, piece after piece, and yields after each. What an earlier try with the same plan has
 * left is kept as far as its digests hold, so that the bytes are the same as those of an undisturbed run. Errors: those
 * of reading and writing.
 */
export function* streamFile(file: FilePlan, context: StreamContext): Generator<PieceDone, FileResult> {
  const { folders, write } = context;
  const files: GrowingFile[] = [];
  try {
    for (const folder of folders) files.push(new GrowingFile(join(folder, file.name), write));
    const journal = new FileJournal(join(context.journals, `${file.name}.jsonl`));
    const totals = new Map<number, Totals[]>();
    const skipped = resume(file, files, journal, totals, write);
    let piece = 0;
    for (const part of file.parts) {
      for (let start = 0; start < part.count; start += context.layout.piece) {
        const count = Math.min(context.layout.piece, part.count - start);
        piece += 1;
        if (piece > skipped) {
          writePiece(part, start, count, files, totalsOf(totals, part.tensor, files.length), context);
          if (write.digests) journal.append(entryOf(piece, files, part.tensor, totals));
        }
        yield { tensor: part.tensor, elements: count };
      }
    }
    return {
      name: file.name,
      sizeBytes: files[0]?.sizeBytes ?? 0,
      sha256: files.map((one) => one.finish()),
      totals: [...totals],
    };
  } catch (error) {
    for (const one of files) one.close();
    throw error;
  }
}

/** Takes up what is there and returns how many pieces that is; otherwise begins with the header. */
function resume(
  { header }: FilePlan,
  files: readonly GrowingFile[],
  journal: FileJournal,
  totals: Map<number, Totals[]>,
  write: WriteOptions,
): number {
  const entries = write.digests ? journal.read(files.length) : [];
  const holding = files.map((file, output) =>
    file.countHolding(entries.map(({ bytes, sha256 }) => ({ bytes, sha256: sha256[output] ?? '' }))),
  );
  const kept = entries.slice(0, Math.min(...holding));
  const last = kept.at(-1);
  for (const file of files) {
    file.keep(last?.bytes ?? 0);
    if (last === undefined) file.write(header);
  }
  for (const entry of kept) totals.set(entry.tensor, [...entry.totals]);
  if (write.digests) journal.rewrite(kept);
  return last?.pieces ?? 0;
}

function writePiece(
  part: Part,
  start: number,
  count: number,
  files: readonly GrowingFile[],
  totals: readonly Totals[],
  { plan, kernel, reader, computer }: StreamContext,
): void {
  const tensor = plan.tensors[part.tensor];
  if (tensor === undefined) throw new RangeError(`a part names tensor ${String(part.tensor)}, which the plan lacks`);
  reader.read(part, start, count);
  const piece = { part, tensor, start, count, leftOf: reader.leftOf.bind(reader) };
  for (const [output, file] of files.entries()) {
    const measured = totals[output] ?? noTotals();
    const { pointer, sizeBytes, newNonFinite } = computer.compute(piece, output, measured);
    measured.newNonFinite += newNonFinite;
    file.write(new Uint8Array(kernel.memory, pointer, sizeBytes));
  }
}

function totalsOf(totals: Map<number, Totals[]>, tensor: number, outputs: number): Totals[] {
  const known = totals.get(tensor) ?? Array.from({ length: outputs }, noTotals);
  totals.set(tensor, known);
  return known;
}

function entryOf(
  pieces: number,
  files: readonly GrowingFile[],
  tensor: number,
  totals: ReadonlyMap<number, Totals[]>,
): JournalEntry {
  return {
    pieces,
    bytes: files[0]?.sizeBytes ?? 0,
    sha256: files.map((file) => file.digestSoFar()),
    tensor,
    totals: totals.get(tensor) ?? [],
  };
}
