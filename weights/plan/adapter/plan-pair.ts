import type { Problem } from '../problem.ts';
import { adapterProblem } from './adapter-problem.ts';
import type { Pair } from './pair-halves.ts';
import type { AdapterConfig } from './parse-adapter-config.ts';
import { scaleOf } from './scale-of.ts';
import type { AdapterDelta } from './types.ts';

/**
 * The difference of one pair for a tensor of the given shape. A is [rank, in] and B is [out, rank]; B·A is [out, in], as a
 * linear layer is stored. An embedding's B·A is always transposed. A linear layer's is where only that fits, as PEFT finds
 * out from the layer; where both fit, because the matrix is square, as `isSquareTransposed` says; null: nothing says it.
 */
export function planPair(
  config: AdapterConfig,
  { a, b, module, isEmbedding }: Pair,
  shape: readonly number[],
  isSquareTransposed: boolean | null,
): AdapterDelta | Problem {
  const { rank, scale } = scaleOf(config, module);
  if (!isOfRank(rank, a.shape, b.shape)) {
    return adapterProblem('WEIGHTS_SHAPE_MISMATCH', a.name, `shape ${say(a.shape)} and ${say(b.shape)} beside it`, {
      expected: `two matrices of rank ${String(rank)}, as the adapter's config says`,
      advice: 'fetch the adapter again',
    });
  }
  const [rows = 0] = b.shape;
  const columns = a.shape[1] ?? 0;
  const isSquare = rows === columns && !isEmbedding;
  const product = isEmbedding ? [columns, rows] : [rows, columns];
  const fits = product.join() === shape.join();
  if (!fits && (isEmbedding || [columns, rows].join() !== shape.join())) {
    return adapterProblem('WEIGHTS_SHAPE_MISMATCH', a.name, `a difference of shape ${say(product)}`, {
      expected: `shape ${say(shape)} as in the model`,
      advice: 'use the model that the adapter was trained on, or a release of the same size',
    });
  }
  const transposed = isSquare ? isSquareTransposed : isEmbedding || !fits;
  if (transposed !== null) return { kind: 'low-rank', a: a.name, b: b.name, rank, scale, transposed };
  return adapterProblem(
    'WEIGHTS_SHAPE_MISMATCH',
    a.name,
    'a square difference in an adapter that stores others both ways',
    {
      expected: "layers that are all stored as the config's fan_in_fan_out says",
      advice: 'merge the adapter with PEFT and give the merged model instead',
    },
  );
}

function isOfRank(rank: number, a: readonly number[], b: readonly number[]): boolean {
  return a.length === 2 && b.length === 2 && a[0] === rank && b[1] === rank;
}

function say(shape: readonly number[]): string {
  return `[${shape.join(', ')}]`;
}
