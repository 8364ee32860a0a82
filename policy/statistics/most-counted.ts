/** The largest whole number from 0 to `last` for which `holds`, which holds up to some number and not beyond; −1: none. */
export function mostCounted(last: number, holds: (count: number) => boolean): number {
  let [low, high] = [-1, last + 1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (holds(middle)) low = middle;
    else high = middle;
  }
  return low;
}
