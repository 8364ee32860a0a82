// out = target + λ·d in one pass, d being float64 already: what recycle and apply share. Every value is made in float64 by the
// same operations in the same order as the steps one by one, so the bits are the same.
import { loadFour, loadOne, storeEight, storeOne } from './element';
import { promoteHigh, promoteLow } from './lanes';
import { addOne, addPair } from './measure';
import { isFinite64 } from './scalar';

/** Eight elements at `target`, moved by m0 to m3, into `out`; false: nothing is done, the eight need moveOne. */
// @ts-ignore: decorator
@inline export function moveEight<T>(
  target: usize, out: usize, m0: v128, m1: v128, m2: v128, m3: v128, sums: usize,
): bool {
  const low = loadFour<T>(target);
  const high = loadFour<T>(target + 4 * sizeof<T>());
  const t0 = promoteLow(low);
  const t1 = promoteHigh(low);
  const t2 = promoteLow(high);
  const t3 = promoteHigh(high);
  if (!storeEight<T>(out, f64x2.add(t0, m0), f64x2.add(t1, m1), f64x2.add(t2, m2), f64x2.add(t3, m3))) return false;
  if (sums) {
    const outLow = loadFour<T>(out);
    const outHigh = loadFour<T>(out + 4 * sizeof<T>());
    addPair(sums, m0, t0, promoteLow(outLow));
    addPair(sums + 16, m1, t1, promoteHigh(outLow));
    addPair(sums + 32, m2, t2, promoteLow(outHigh));
    addPair(sums + 48, m3, t3, promoteHigh(outHigh));
  }
  return true;
}

/** The element at `target`, moved by m, into `out`; 1 where that is not finite and the target is. `lane` 0: no sums. */
export function moveOne<T>(target: usize, out: usize, m: f64, lane: usize): usize {
  const t = loadOne<T>(target);
  storeOne<T>(out, t + m);
  const o = loadOne<T>(out);
  if (lane) addOne(lane, m, t, o);
  return usize(!isFinite64(o)) & usize(isFinite64(t));
}
