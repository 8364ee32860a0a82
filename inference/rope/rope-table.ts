import type { RopeConfig } from './rope-config.ts';
import { ropeFrequencies } from './frequencies.ts';

/** Cosines and sines, each [lines, headSize / 2] line after line. */
export interface RopeTable {
  readonly lines: number;
  readonly cos: Float32Array;
  readonly sin: Float32Array;
}

/** Consecutive positions of one sequence, and where their lines go. */
export interface RopeSpan {
  readonly firstLine: number;
  readonly firstPosition: number;
  readonly count: number;
  /** Length of the whole sequence, for a dynamic RoPE. */
  readonly length: number;
}

/**
 * A table of `lines` lines, 0 where no span lies. Angles are rounded to float32 as transformers rounds them; cosines and sines
 * are within one unit in the last place of its float32 results.
 */
export function ropeTable(rope: RopeConfig, headSize: number, lines: number, spans: readonly RopeSpan[]): RopeTable {
  const half = headSize / 2;
  const factor = rope.type === 'yarn' ? rope.attentionFactor : 1;
  const cos = new Float32Array(lines * half);
  const sin = new Float32Array(lines * half);
  for (const { firstLine, firstPosition, count, length } of spans) {
    const frequencies = ropeFrequencies(rope, headSize, length);
    for (let offset = 0; offset < count; offset += 1) {
      frequencies.forEach((frequency, pair) => {
        const angle = Math.fround((firstPosition + offset) * frequency);
        const at = (firstLine + offset) * half + pair;
        cos[at] = Math.cos(angle) * factor;
        sin[at] = Math.sin(angle) * factor;
      });
    }
  }
  return { lines, cos, sin };
}
