import { FLOAT_BYTES, type FloatDtype } from '../../../weights/dtype.ts';
import { bitsOf, F16, F32, F64, BF16, valueOf, type Format } from './oracle.ts';

/** Repeats itself for the same seed: uniform in [0, 1). */
export type Random = () => number;

export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export const FORMATS: Readonly<Record<FloatDtype, Format>> = { BF16, F16, F32, F64 };

/** Bit patterns as elements lie in memory, little-endian. */
export function store({ dtype, bits }: Format, patterns: readonly bigint[]): Uint8Array {
  const width = FLOAT_BYTES[dtype];
  const bytes = new Uint8Array(patterns.length * width);
  const view = new DataView(bytes.buffer);
  for (const [i, pattern] of patterns.entries()) {
    if (bits === 64) view.setBigUint64(i * width, pattern, true);
    else if (bits === 32) view.setUint32(i * width, Number(pattern), true);
    else view.setUint16(i * width, Number(pattern), true);
  }
  return bytes;
}

/** Bit patterns at which formats change their ways, both signs: zeros, subnormals, powers of two and their neighbours, NaNs. */
export function edgePatterns(format: Format): readonly bigint[] {
  const { infinity, precision, nan, bits } = format;
  const hidden = 1n << BigInt(precision - 1);
  const one = bitsOf(format, 1);
  const powers = [-40, -24, -11, -9, -8, -7, -1, 1, 2, 8, 9, 16, 24].map((exponent) => bitsOf(format, 2 ** exponent));
  const magnitudes = [
    ...[0n, 1n, 2n, 3n, hidden - 1n, hidden, hidden + 1n, 2n * hidden - 1n, 2n * hidden],
    ...[one - 1n, one, one + 1n, one + 2n, one + 3n, ...powers],
    ...[infinity - hidden, infinity - 2n, infinity - 1n, infinity, infinity + 1n, nan, nan | (hidden - 1n)],
  ];
  const sign = 1n << BigInt(bits - 1);
  return [...new Set(magnitudes)].flatMap((magnitude) => [magnitude, magnitude | sign]);
}

/** How operands are drawn; every style is hard on another part of the arithmetic. */
export const STYLES = ['bits', 'edges', 'cancel', 'spread', 'midpoint', 'weights'] as const;
export type Style = (typeof STYLES)[number];

/** One element's three operands, as values that `format` will round. */
export interface Triple {
  readonly target: number;
  readonly tuned: number;
  readonly base: number;
}

export function drawTriple(style: Style, format: Format, edges: readonly bigint[], random: Random): Triple {
  switch (style) {
    case 'bits':
      return thrice(() => valueOf(format, randomBits(format, random)));
    case 'edges':
      return thrice(() => valueOf(format, edges[Math.floor(random() * edges.length)] ?? 0n));
    case 'cancel':
      return drawCancelling(random);
    case 'spread':
      return thrice(() => gauss(random) * 2 ** Math.round(40 * (random() - 0.5)));
    case 'midpoint':
      return drawMidpoint(format, random);
    case 'weights': {
      const base = 0.02 * gauss(random);
      return { base, tuned: base + 1e-3 * gauss(random), target: base + 2e-3 * gauss(random) };
    }
  }
}

/** The sum nearly vanishes, so that what rounding lost is all that is left. */
function drawCancelling(random: Random): Triple {
  const base = gauss(random);
  const tuned = base * (1 + (random() - 0.5) * 0.1);
  return { base, tuned, target: (base - tuned) * (random() < 0.5 ? 1 : 1 + (random() - 0.5) * 0.01) };
}

/** target + (tuned − base) lies on a midpoint of the format, or a little beside it: the trap of rounding twice. */
function drawMidpoint(format: Format, random: Random): Triple {
  const exponent = Math.round(20 * (random() - 0.5));
  const steps = Math.floor(random() * 2 ** (format.precision - 1));
  const target = (1 + steps * 2 ** (1 - format.precision)) * 2 ** exponent;
  const beside = [0, 0, 1, -1][Math.floor(random() * 4)] ?? 0;
  const base = beside * 2 ** (exponent - 12 - Math.floor(random() * 40));
  const sign = random() < 0.5 ? -1 : 1;
  return { target, tuned: sign * 2 ** (exponent - format.precision), base };
}

function randomBits({ bits }: Format, random: Random): bigint {
  return BigInt(Math.floor(random() * 2 ** Math.min(bits, 32)));
}

function gauss(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

function thrice(draw: () => number): Triple {
  return { target: draw(), tuned: draw(), base: draw() };
}
