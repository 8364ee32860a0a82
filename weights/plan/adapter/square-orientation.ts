import type { Pair } from './pair-halves.ts';
import type { TensorShape } from './types.ts';

/**
 * Whether square layers are stored [in, out]: what the config's fan_in_fan_out says, unless a layer that is not square shows
 * the opposite. Then null: PEFT saves the flag of the last layer that it adapted, so it says nothing of the others.
 */
export function squareOrientation(
  fanInFanOut: boolean,
  pairs: readonly Pair[],
  tensors: ReadonlyMap<string, TensorShape>,
): boolean | null {
  const isContradicted = pairs.some(({ module, isEmbedding, a, b }) => {
    const [rows, columns] = [b.shape[0], a.shape[1]];
    if (isEmbedding || rows === columns) return false;
    const [first, second] = tensors.get(`${module}.weight`)?.shape ?? [];
    return fanInFanOut ? first === rows && second === columns : first === columns && second === rows;
  });
  return isContradicted ? null : fanInFanOut;
}
