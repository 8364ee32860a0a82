import type { RopeConfig } from './rope-config.ts';

/**
 * How many radians each pair of a head's dimensions turns from one position to the next, [headSize / 2]. `length` is the
 * sequence's, which only a dynamic RoPE looks at. float32 wherever transformers rounds to it.
 */
export function ropeFrequencies(rope: RopeConfig, headSize: number, length: number): Float32Array {
  const half = headSize / 2;
  const theta = rope.type === 'dynamic' ? dynamicTheta(rope, headSize, length) : rope.theta;
  const powers = Float32Array.from({ length: half }, (_, pair) => theta ** Math.fround((2 * pair) / headSize));
  return powers.map((power, pair) => scale(power, pair, rope, headSize));
}

/** The base grows with the sequence, so that the slowest pair turns as far at its end as it did at the trained length. */
function dynamicTheta(rope: RopeConfig & { readonly type: 'dynamic' }, headSize: number, length: number): number {
  const { theta, factor, originalPositions } = rope;
  const longest = Math.max(length, originalPositions);
  const stretch = Math.fround(Math.fround(factor * longest) / originalPositions) - (factor - 1);
  return Math.fround(theta * Math.fround(Math.fround(stretch) ** (headSize / (headSize - 2))));
}

function scale(power: number, pair: number, rope: RopeConfig, headSize: number): number {
  const frequency = Math.fround(1 / power);
  switch (rope.type) {
    case 'default':
    case 'dynamic':
      return frequency;
    case 'linear':
      return frequency / rope.factor;
    case 'llama3':
      return llama3(frequency, rope);
    case 'yarn': {
      const kept = 1 - ramp(pair, rope, headSize);
      return Math.fround(1 / (rope.factor * power)) * (1 - kept) + frequency * kept;
    }
  }
}

/** Slow pairs are slowed by the factor, quick ones are not, and between the two it changes smoothly. */
function llama3(frequency: number, rope: RopeConfig & { readonly type: 'llama3' }): number {
  const { factor, lowFrequencyFactor, highFrequencyFactor, originalPositions } = rope;
  const wavelength = (2 * Math.PI) / frequency;
  if (wavelength > originalPositions / lowFrequencyFactor) return frequency / factor;
  if (wavelength < originalPositions / highFrequencyFactor) return frequency;
  const smooth = (originalPositions / wavelength - lowFrequencyFactor) / (highFrequencyFactor - lowFrequencyFactor);
  return ((1 - smooth) * frequency) / factor + smooth * frequency;
}

/** 0 for pairs that turn often enough within the trained positions, 1 for those that hardly do, and a line between. */
function ramp(pair: number, rope: RopeConfig & { readonly type: 'yarn' }, headSize: number): number {
  const { theta, betaFast, betaSlow, originalPositions, isTruncated } = rope;
  const pairTurning = (times: number): number =>
    (headSize * Math.log(originalPositions / (times * 2 * Math.PI))) / (2 * Math.log(theta));
  const [first, last] = [pairTurning(betaFast), pairTurning(betaSlow)];
  const low = Math.max(isTruncated ? Math.floor(first) : first, 0);
  const high = Math.min(isTruncated ? Math.ceil(last) : last, headSize - 1);
  return Math.min(Math.max((pair - low) / (low === high ? 0.001 : high - low), 0), 1);
}
