import { bitsOf, F32, F64, valueOf, type Format } from '../kernel/oracle.ts';

/** An element as it is stored. */
export interface Stored {
  readonly format: Format;
  readonly bits: bigint;
}

/** The three elements that one element of a recycled model is made of. */
export interface Triple {
  readonly target: Stored;
  readonly tuned: Stored;
  readonly base: Stored;
}

/** One summand of an applied element: λ, and Δ as it was stored. */
export interface Summand {
  readonly scale: number;
  readonly delta: Stored;
}

const value = ({ format, bits }: Stored): number => valueOf(format, bits);

/**
 * The engine's contract, written down a second time with nothing of the engine in it: JavaScript's own float64 arithmetic
 * (which fuses no products), and one rounding of the float64's bits in whole numbers. λ = 0 adds nothing, so that not
 * even the sign of a zero or the payload of a NaN changes.
 */
export function recycledBits(out: Format, { target, tuned, base }: Triple, scale: number): bigint {
  if (scale === 0) return convertedBits(out, target);
  return bitsOf(out, value(target) + scale * (value(tuned) - value(base)));
}

/** Δ as a delta folder holds it: F32, or F64 where an operand is F64. */
export function storedDelta({ tuned, base }: Pick<Triple, 'tuned' | 'base'>): Stored {
  const format = tuned.format === F64 || base.format === F64 ? F64 : F32;
  return { format, bits: bitsOf(format, value(tuned) - value(base)) };
}

/** target + Σ λ·Δ: the terms first, in order; those with λ = 0 are not there. */
export function appliedBits(out: Format, target: Stored, summands: readonly Summand[]): bigint {
  const terms = summands.filter(({ scale }) => scale !== 0).map(({ scale, delta }) => scale * value(delta));
  if (terms.length === 0) return convertedBits(out, target);
  return bitsOf(out, value(target) + terms.reduce((sum, term) => sum + term));
}

/** (1 − weight)·one + weight·other; at both ends one of the two alone. */
export function blendedBits(out: Format, one: Stored, other: Stored, weight: number): bigint {
  if (weight === 0) return convertedBits(out, one);
  if (weight === 1) return convertedBits(out, other);
  return bitsOf(out, (1 - weight) * value(one) + weight * value(other));
}

function convertedBits(out: Format, stored: Stored): bigint {
  return out === stored.format ? stored.bits : bitsOf(out, value(stored));
}

/** Whether a bit pattern is neither a NaN nor infinite. */
export function isFinitePattern(format: Format, bits: bigint): boolean {
  return Number.isFinite(valueOf(format, bits));
}

/** The elements in little-endian bytes. */
export function loadPatterns({ bits }: Format, bytes: Uint8Array): readonly bigint[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: (bytes.byteLength * 8) / bits }, (_, i) => {
    if (bits === 64) return view.getBigUint64(i * 8, true);
    return BigInt(bits === 32 ? view.getUint32(i * 4, true) : view.getUint16(i * 2, true));
  });
}
