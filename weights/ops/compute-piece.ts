import { dtypeBytes, FLOAT_BYTES, isFloatDtype, type FloatDtype } from '../dtype.ts';
import type { Delta, Expression, LowRankDelta, Part, PlannedTensor, Source, Term } from '../plan/work-plan.ts';
import { addUp, type Totals } from './health-totals.ts';
import { GRAIN, SUMS_BYTES, type Kernel } from './kernel.ts';
import { BLOCK, type PieceLayout } from './piece-layout.ts';

/** A low-rank Δ's left matrix, row by row; its right one lies in the kernel's memory. */
export type LeftMatrix = Float64Array;

/** A stretch of one part, its stored operands already in memory. */
export interface Piece {
  readonly part: Part;
  readonly tensor: PlannedTensor;
  /** Elements from the start of the part, a multiple of GRAIN. */
  readonly start: number;
  readonly count: number;
  readonly leftOf: (delta: LowRankDelta) => LeftMatrix;
}

/** Where the bytes of a computed piece lie in the kernel's memory, until the next one is computed. */
export interface ComputedPiece {
  readonly pointer: number;
  readonly sizeBytes: number;
  /** Values that are not finite although the target's (of a difference: anybody's) are. */
  readonly newNonFinite: number;
}

type Of<Kind extends Expression['kind']> = Extract<Expression, { readonly kind: Kind }>;

/**
 * Computes pieces of a plan on one kernel. Every value is float64 arithmetic on its operands, rounded once to the
 * output's dtype, to nearest even; nothing depends on where pieces begin. Inputs are not changed.
 */
export class PieceComputer {
  readonly #kernel: Kernel;
  readonly #layout: PieceLayout;
  readonly #health: boolean;

  constructor(kernel: Kernel, layout: PieceLayout, health: boolean) {
    this.#kernel = kernel;
    this.#layout = layout;
    this.#health = health;
  }

  /** Computes a piece for one output; where health is on, adds what it measures to `totals`, grain after grain. */
  compute(piece: Piece, output: number, totals: Totals): ComputedPiece {
    const { expression } = piece.part;
    switch (expression.kind) {
      case 'copy':
        return this.#stored(piece, 0);
      case 'convert':
        return this.#convert(piece, expression.source, 0);
      case 'zero':
        return this.#zero(piece);
      case 'difference':
        return this.#byGrain(piece, totals, (at, count) => this.#difference(piece, expression, at, count));
      case 'blend':
        return this.#blend(piece, expression, output);
      case 'move':
        return this.#move(piece, expression, output, totals);
    }
  }

  #stored({ part, count }: Piece, operand: number): ComputedPiece {
    const { expression } = part;
    const dtype = expression.kind === 'copy' ? expression.source.dtype : sourceDtype(expression, operand);
    return { pointer: this.#raw(operand), sizeBytes: count * dtypeBytes(dtype), newNonFinite: 0 };
  }

  #zero({ tensor, count }: Piece): ComputedPiece {
    const sizeBytes = count * dtypeBytes(tensor.dtype);
    new Uint8Array(this.#kernel.memory, this.#layout.out, sizeBytes).fill(0);
    return { pointer: this.#layout.out, sizeBytes, newNonFinite: 0 };
  }

  #convert(piece: Piece, source: Source, operand: number): ComputedPiece {
    if (source.dtype === piece.tensor.dtype) return this.#stored(piece, operand);
    const [value = 0, out = 0] = this.#layout.scratch;
    return this.#byBlock(piece, (at, count) => {
      this.#decode(operand, source.dtype, at, count, value);
      this.#encode(piece, value, at, count, out);
      return this.#kernel.countNewNonFinite(out, value, count);
    });
  }

  #blend(piece: Piece, expression: Of<'blend'>, output: number): ComputedPiece {
    const weight = expression.weights[output] ?? 0;
    if (weight === 0) return this.#convert(piece, expression.one, 0);
    if (weight === 1) return this.#convert(piece, expression.other, 1);
    const [one = 0, other = 0, out = 0] = this.#layout.scratch;
    return this.#byBlock(piece, (at, count) => {
      this.#decode(0, expression.one.dtype, at, count, one);
      this.#decode(1, expression.other.dtype, at, count, other);
      this.#kernel.scale(one, 1 - weight, one, count);
      this.#kernel.addScaled(one, weight, other, count);
      this.#encode(piece, one, at, count, out);
      return this.#kernel.countNonFinite(out, count);
    });
  }

  /** Stores Δ, and measures what was stored. */
  #difference(piece: Piece, expression: Of<'difference'>, at: number, count: number): number {
    const kernel = this.#kernel;
    const [base = 0, moved = 0, out = 0] = this.#layout.scratch;
    new Float64Array(kernel.memory, base, count).fill(0);
    this.#deltaInto(piece, expression.delta, 0, at, count, moved, base);
    this.#encode(piece, moved, at, count, out);
    if (this.#health) {
      kernel.add(moved, base, out, count); // as if it were applied to its own base
      kernel.measure(this.#layout.sums, { moved: out, target: base, out: moved, previous: 0 }, count);
    }
    return kernel.countNonFinite(out, count);
  }

  #move(piece: Piece, expression: Of<'move'>, output: number, totals: Totals): ComputedPiece {
    const terms = expression.terms
      .map((term, index) => ({ term, index }))
      .filter(({ term }) => scaleOf(term, output) !== 0);
    if (terms.length === 0) return this.#convert(piece, expression.target, 0);
    const slots = operandSlots(expression);
    return this.#byGrain(piece, totals, (at, count) => {
      const [first] = terms;
      if (terms.length === 1 && first !== undefined && expression.previous === null) {
        const fused = this.#fused(piece, expression.target, first.term, slots[first.index] ?? 0, output, at, count);
        if (fused !== null) return fused;
      }
      return this.#inBlocks(at, count, (from, length) => {
        const [target = 0, sum = 0] = this.#layout.scratch;
        this.#decode(0, expression.target.dtype, from, length, target);
        for (const [position, { term, index }] of terms.entries()) {
          this.#addTerm(piece, term, slots[index] ?? 0, output, position === 0, from, length);
        }
        return this.#finish(piece, expression, target, sum, from, length);
      });
    });
  }

  /** Puts λ·Δ of the first term into the sum's scratch, and adds those of others to it. */
  #addTerm(piece: Piece, term: Term, slot: number, output: number, isFirst: boolean, at: number, count: number): void {
    const [, sum = 0, delta = 0, other = 0] = this.#layout.scratch;
    this.#deltaInto(piece, term.delta, slot, at, count, delta, other);
    if (isFirst) this.#kernel.scale(sum, scaleOf(term, output), delta, count);
    else this.#kernel.addScaled(sum, scaleOf(term, output), delta, count);
  }

  #deltaInto(piece: Piece, delta: Delta, slot: number, at: number, count: number, into: number, other: number): void {
    switch (delta.kind) {
      case 'stored':
        this.#decode(slot, delta.values.dtype, at, count, into);
        break;
      case 'pair':
        this.#decode(slot, delta.tuned.dtype, at, count, into);
        this.#decode(slot + 1, delta.base.dtype, at, count, other);
        this.#kernel.subtract(into, into, other, count);
        break;
      case 'low-rank':
        this.#lowRankInto(delta, piece.leftOf(delta), piece.start + at, count, into);
        break;
    }
  }

  /** Row by row: the right matrix' rows, weighted by the left one's, added in the order of the rank. */
  #lowRankInto(delta: LowRankDelta, left: LeftMatrix, first: number, count: number, into: number): void {
    const { columns, rank, factor, firstRow } = delta;
    new Float64Array(this.#kernel.memory, into, count).fill(0);
    for (let done = 0; done < count;) {
      const row = firstRow + Math.floor((first + done) / columns);
      const column = (first + done) % columns;
      const length = Math.min(columns - column, count - done);
      for (let k = 0; k < rank; k++) {
        const right = this.#layout.right + (k * columns + column) * 8;
        this.#kernel.addScaled(into + done * 8, left[row * rank + k] ?? 0, right, length);
      }
      done += length;
    }
    this.#kernel.scale(into, factor, into, count);
  }

  #finish(piece: Piece, expression: Of<'move'>, target: number, sum: number, at: number, count: number): number {
    const kernel = this.#kernel;
    const [, , , other = 0, out = 0, previous = 0] = this.#layout.scratch;
    kernel.add(other, target, sum, count);
    this.#encode(piece, other, at, count, out);
    if (this.#health) {
      const hasPrevious = expression.previous !== null;
      if (hasPrevious) this.#decode(operandCount(expression) - 1, expression.previous.dtype, at, count, previous);
      const values = { moved: sum, target, out, previous: hasPrevious ? previous : 0 };
      kernel.measure(this.#layout.sums, values, count);
    }
    return kernel.countNewNonFinite(out, target, count);
  }

  /** All operands of one dtype, or a stored F32 Δ: one call for the whole grain, where the kernel has one. */
  #fused(
    piece: Piece,
    target: Source,
    { delta, scales }: Term,
    slot: number,
    output: number,
    at: number,
    count: number,
  ): number | null {
    const { dtype } = target;
    if (dtype !== piece.tensor.dtype) return null;
    const wide = FLOAT_BYTES[dtype];
    const scale = scales[output] ?? 0;
    const sums = this.#health ? this.#layout.sums : 0;
    const common = { target: this.#raw(0) + at * wide, out: this.#layout.out + at * wide };
    if (delta.kind === 'pair' && delta.tuned.dtype === dtype && delta.base.dtype === dtype) {
      const operands = { ...common, tuned: this.#raw(slot) + at * wide, base: this.#raw(slot + 1) + at * wide };
      return this.#kernel.recycle(dtype, operands, count, scale, sums);
    }
    if (delta.kind === 'stored' && delta.values.dtype === 'F32') {
      return this.#kernel.apply(dtype, { ...common, delta: this.#raw(slot) + at * 4 }, count, scale, sums);
    }
    return null;
  }

  #byGrain(piece: Piece, totals: Totals, work: (at: number, count: number) => number): ComputedPiece {
    let newNonFinite = 0;
    for (let at = 0; at < piece.count; at += GRAIN) {
      if (this.#health) new Uint8Array(this.#kernel.memory, this.#layout.sums, SUMS_BYTES).fill(0);
      const count = Math.min(GRAIN, piece.count - at);
      newNonFinite += piece.part.expression.kind === 'difference' ? this.#inBlocks(at, count, work) : work(at, count);
      if (this.#health) addUp(totals, this.#kernel, this.#layout.sums);
    }
    return this.#computed(piece, newNonFinite);
  }

  #byBlock(piece: Piece, work: (at: number, count: number) => number): ComputedPiece {
    return this.#computed(piece, this.#inBlocks(0, piece.count, work));
  }

  #inBlocks(at: number, count: number, work: (at: number, count: number) => number): number {
    let sum = 0;
    for (let from = at; from < at + count; from += BLOCK) sum += work(from, Math.min(BLOCK, at + count - from));
    return sum;
  }

  #computed({ tensor, count }: Piece, newNonFinite: number): ComputedPiece {
    return { pointer: this.#layout.out, sizeBytes: count * dtypeBytes(tensor.dtype), newNonFinite };
  }

  #raw(operand: number): number {
    return this.#layout.raw[operand] ?? 0;
  }

  #decode(operand: number, dtype: FloatDtype, at: number, count: number, into: number): void {
    this.#kernel.decode(dtype, this.#raw(operand) + at * FLOAT_BYTES[dtype], count, into);
  }

  /** Rounds into the output, and reads what was written back into `written`. */
  #encode({ tensor }: Piece, values: number, at: number, count: number, written: number): void {
    const dtype = isFloatDtype(tensor.dtype) ? tensor.dtype : 'F64';
    const out = this.#layout.out + at * FLOAT_BYTES[dtype];
    this.#kernel.encode(dtype, values, count, out);
    this.#kernel.decode(dtype, out, count, written);
  }
}

function scaleOf({ scales }: Term, output: number): number {
  return scales[output] ?? 0;
}

/** The first operand of every term; operand 0 is the target. */
function operandSlots({ terms }: Of<'move'>): readonly number[] {
  let next = 1;
  return terms.map(({ delta }) => {
    const slot = next;
    next += operandsPerDelta(delta);
    return slot;
  });
}

function operandsPerDelta({ kind }: Delta): number {
  return kind === 'pair' ? 2 : kind === 'stored' ? 1 : 0;
}

function operandCount({ terms, previous }: Of<'move'>): number {
  return terms.reduce((sum, { delta }) => sum + operandsPerDelta(delta), 1) + (previous === null ? 0 : 1);
}

function sourceDtype(expression: Expression, operand: number): FloatDtype {
  switch (expression.kind) {
    case 'convert':
      return expression.source.dtype;
    case 'move':
      return expression.target.dtype;
    case 'blend':
      return operand === 0 ? expression.one.dtype : expression.other.dtype;
    case 'copy':
    case 'zero':
    case 'difference':
      return 'F64';
  }
}
