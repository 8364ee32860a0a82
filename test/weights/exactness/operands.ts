import { bitsOf, BF16, F16, F32, F64, valueOf, type Format } from '../kernel/oracle.ts';
import { edgePatterns, seededRandom, store, type Random } from '../kernel/patterns.ts';
import type { FixtureTensor } from '../../support/safetensors.ts';
import type { Stored, Triple } from './reference.ts';

/** Every dtype that the engine adds. */
export const ALL_FORMATS: readonly Format[] = [BF16, F16, F32, F64];

/** The formats of a tensor's three operands; `name` names the tensor. */
export interface Mix {
  readonly name: string;
  readonly target: Format;
  readonly tuned: Format;
  readonly base: Format;
}

/** All 64 of them. */
export const MIXES: readonly Mix[] = ALL_FORMATS.flatMap((target) =>
  ALL_FORMATS.flatMap((tuned) =>
    ALL_FORMATS.map((base) => ({
      name: [target, tuned, base].map(({ dtype }) => dtype).join('.'),
      target,
      tuned,
      base,
    })),
  ),
);

/** A tensor's elements, each with its operands. */
export interface Drawn {
  readonly mix: Mix;
  readonly elements: readonly Triple[];
}

/** `count` elements of a mix, each one that `accepts` takes (one whose result is finite, as a rule). */
export function drawElements(mix: Mix, count: number, seed: number, accepts: (triple: Triple) => boolean): Drawn {
  const random = seededRandom(seed);
  const draw = (): Triple => {
    for (let tries = 0; tries < 40; tries++) {
      const triple = drawTriple(mix, random);
      if (accepts(triple)) return triple;
    }
    return drawWeights(mix, random);
  };
  return { mix, elements: Array.from({ length: count }, draw) };
}

/** The tensors of one of the three models. */
export function tensorsOf(drawn: readonly Drawn[], role: 'target' | 'tuned' | 'base'): readonly FixtureTensor[] {
  return drawn.map(({ mix, elements }) => ({
    name: mix.name,
    dtype: mix[role].dtype,
    shape: [elements.length],
    bytes: store(
      mix[role],
      elements.map((triple) => triple[role].bits),
    ),
  }));
}

function drawTriple(mix: Mix, random: Random): Triple {
  const kind = random();
  if (kind < 0.35) return drawHalfway(mix, random);
  if (kind < 0.5) return drawWeights(mix, random);
  const patternOf = kind < 0.8 ? drawEdge : drawBits;
  return {
    target: patternOf(mix.target, random),
    tuned: patternOf(mix.tuned, random),
    base: patternOf(mix.base, random),
  };
}

/** What models hold: three values close to each other. */
function drawWeights(mix: Mix, random: Random): Triple {
  const base = 0.05 * (random() - 0.5);
  const near = (by: number): number => base + by * (random() - 0.5);
  return toTriple(mix, near(4e-3), near(2e-3), base);
}

/** λΔ is half of the target's last place, for a λ of 1, or as far beside it as a double can be. */
function drawHalfway(mix: Mix, random: Random): Triple {
  const target = drawBits(mix.target, random);
  const magnitude = Math.abs(valueOf(mix.target, target.bits));
  const exponent = Number.isFinite(magnitude) && magnitude > 0 ? Math.floor(Math.log2(magnitude)) : 0;
  const half = 2 ** (Math.max(exponent - mix.target.precision + 1, mix.target.lowest) - 1);
  const beside = (Math.floor(random() * 3) - 1) * half * 2 ** -Math.floor(1 + random() * 44);
  const { tuned, base } = toTriple(mix, 0, random() < 0.5 ? half : -half, beside);
  return { target, tuned, base };
}

function drawEdge(format: Format, random: Random): Stored {
  const edges = edgesOf(format);
  return { format, bits: edges[Math.floor(random() * edges.length)] ?? 0n };
}

function drawBits(format: Format, random: Random): Stored {
  const word = (bits: number): bigint => BigInt(Math.floor(random() * 2 ** bits));
  return { format, bits: format.bits === 64 ? (word(32) << 32n) | word(32) : word(format.bits) };
}

function toTriple(mix: Mix, target: number, tuned: number, base: number): Triple {
  const rounded = (format: Format, value: number): Stored => ({ format, bits: bitsOf(format, value) });
  return { target: rounded(mix.target, target), tuned: rounded(mix.tuned, tuned), base: rounded(mix.base, base) };
}

const EDGES = new Map(ALL_FORMATS.map((format) => [format, edgePatterns(format)]));

function edgesOf(format: Format): readonly bigint[] {
  return EDGES.get(format) ?? [];
}
