import { dtypeBytes, type Dtype } from '../dtype.ts';
import type { Delta, Expression, Part, Source, WorkPlan } from '../plan/work-plan.ts';
import { GRAIN, SUMS_BYTES } from './kernel.ts';

/** Float64 values that are worked on at a time: several of these fit a core's cache. */
export const BLOCK = 4096;
/** Blocks of scratch: target, sum, term, other, out, previous. */
const SCRATCH_BLOCKS = 6;

/** Elements of a piece, unless that needs more memory than a thread may have: few enough to stay in a core's caches. */
const DEFAULT_PIECE = 1 << 18;
/** Bytes of operands and output that a thread holds at a time. */
const RAW_BYTES_HELD = 20 << 20;

/** Where things lie in a thread's kernel memory; byte offsets. */
export interface PieceLayout {
  /** Elements of a piece at most, a multiple of GRAIN. */
  readonly piece: number;
  /** Where stored operands are read to. */
  readonly raw: readonly number[];
  /** Where the output is made. */
  readonly out: number;
  readonly scratch: readonly number[];
  readonly sums: number;
  /** Where a low-rank Δ's right matrix lies, float64. */
  readonly right: number;
  readonly bytes: number;
}

/** Lays out the memory of one thread: as small as the plan allows, and the same for every size of model. */
export function layOutPieces(plan: WorkPlan, wanted = DEFAULT_PIECE): PieceLayout {
  const parts = plan.files.flatMap((file) => file.parts);
  const widths = parts.map((part) => widthsOf(part, plan));
  const operands = widths.reduce((most, { raw }) => Math.max(most, raw.length), 1);
  const perElement = widths.reduce(
    (most, { raw, out }) =>
      Math.max(
        most,
        raw.reduce((a, b) => a + b, out),
      ),
    1,
  );
  const longest = parts.reduce((most, { count }) => Math.max(most, count), 1);
  const affordable = Math.max(1, Math.floor(RAW_BYTES_HELD / perElement / GRAIN));
  const needed = Math.ceil(longest / GRAIN);
  const piece = Math.min(affordable, needed, Math.max(1, Math.floor(wanted / GRAIN))) * GRAIN;
  let bytes = 1024; // nothing lies at 0, which stands for "none"
  const take = (size: number): number => {
    const at = bytes;
    bytes += Math.ceil(size / 64) * 64;
    return at;
  };
  const slotBytes = (index: number): number => widths.reduce((most, { raw }) => Math.max(most, raw[index] ?? 0), 0);
  const raw = Array.from({ length: operands }, (_, index) => take(slotBytes(index) * piece));
  const out = take(widths.reduce((most, width) => Math.max(most, width.out), 1) * piece);
  const scratch = Array.from({ length: SCRATCH_BLOCKS }, () => take(BLOCK * 8));
  const sums = take(SUMS_BYTES);
  const right = take(parts.reduce((most, { expression }) => Math.max(most, rightBytes(expression)), 0));
  return { piece, raw, out, scratch, sums, right, bytes };
}

/** Bytes per element of the stored operands in the order in which they are read, and of the output. */
function widthsOf(
  { tensor, expression }: Part,
  plan: WorkPlan,
): { readonly raw: readonly number[]; readonly out: number } {
  const out = dtypeBytes(plan.tensors[tensor]?.dtype ?? 'F64');
  return { raw: operandsOf(expression).map(({ dtype }) => dtypeBytes(dtype)), out };
}

/** The stored operands that a piece of the expression is read from, in order. */
export function operandsOf(
  expression: Expression,
): readonly { readonly path: string; readonly name: string; readonly dtype: Dtype; readonly offsetBytes: number }[] {
  switch (expression.kind) {
    case 'zero':
      return [];
    case 'copy':
    case 'convert':
      return [expression.source];
    case 'difference':
      return deltaOperands(expression.delta);
    case 'blend':
      return [expression.one, expression.other];
    case 'move': {
      const terms = expression.terms.flatMap(({ delta }) => deltaOperands(delta));
      return [expression.target, ...terms, ...(expression.previous === null ? [] : [expression.previous])];
    }
  }
}

/** Of a low-rank Δ, none: its matrices are read once for a whole part. */
function deltaOperands(delta: Delta): readonly Source[] {
  switch (delta.kind) {
    case 'stored':
      return [delta.values];
    case 'pair':
      return [delta.tuned, delta.base];
    case 'low-rank':
      return [];
  }
}

/** Every Δ of an expression, in order. */
export function deltasOf(expression: Expression): readonly Delta[] {
  if (expression.kind === 'difference') return [expression.delta];
  return expression.kind === 'move' ? expression.terms.map(({ delta }) => delta) : [];
}

function rightBytes(expression: Expression): number {
  return deltasOf(expression).reduce(
    (most, delta) => (delta.kind === 'low-rank' ? Math.max(most, delta.rank * delta.columns * 8) : most),
    0,
  );
}
