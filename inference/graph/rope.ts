import type { RopeConfig } from './llama-config.ts';

/** Cosines and sines, each [positions, headSize / 2] row after row. */
export interface RopeTables {
  readonly positions: number;
  readonly cos: Float32Array;
  readonly sin: Float32Array;
}

/**
 * Tables of the rotary embedding. float32 wherever transformers rounds (frequencies, angles); within one unit in the last
 * place of its float32 results elsewhere, where this computes in float64.
 */
export function ropeTables(rope: RopeConfig, headSize: number, positions: number): RopeTables {
  const half = headSize / 2;
  const frequencies = Float32Array.from({ length: half }, (_, index) => {
    const power = Math.fround(rope.theta ** Math.fround((2 * index) / headSize));
    return scaleFrequency(Math.fround(1 / power), rope);
  });
  const cos = new Float32Array(positions * half);
  const sin = new Float32Array(positions * half);
  for (let position = 0; position < positions; position += 1) {
    frequencies.forEach((frequency, index) => {
      const angle = Math.fround(position * frequency);
      cos[position * half + index] = Math.cos(angle);
      sin[position * half + index] = Math.sin(angle);
    });
  }
  return { positions, cos, sin };
}

function scaleFrequency(frequency: number, rope: RopeConfig): number {
  switch (rope.type) {
    case 'default':
      return frequency;
    case 'linear':
      return frequency / rope.factor;
    case 'llama3': {
      const { factor, lowFrequencyFactor, highFrequencyFactor, originalPositions } = rope;
      const wavelength = (2 * Math.PI) / frequency;
      if (wavelength > originalPositions / lowFrequencyFactor) return frequency / factor;
      if (wavelength < originalPositions / highFrequencyFactor) return frequency;
      const smooth = (originalPositions / wavelength - lowFrequencyFactor) / (highFrequencyFactor - lowFrequencyFactor);
      return ((1 - smooth) * frequency) / factor + smooth * frequency;
    }
  }
}
