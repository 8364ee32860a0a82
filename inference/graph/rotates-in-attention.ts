import type { RopeConfig } from '../rope/rope-config.ts';

/** onnxruntime's attention rotates only these head sizes by itself. */
const HEAD_SIZE_STEP = 16;

/**
 * Whether attention itself may rotate queries and keys, which takes no lines. It cannot rotate the rows of one prompt batch
 * differently, as a dynamic RoPE must: onnxruntime 1.30 turns all rows by the lines of the first, whatever `position_ids` say.
 */
export function rotatesInAttention(headSize: number, rope: RopeConfig | undefined): boolean {
  return headSize % HEAD_SIZE_STEP === 0 && rope?.type !== 'dynamic';
}
