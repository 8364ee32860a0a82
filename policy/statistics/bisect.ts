/**
 * The point between `low` and `high` where `holds` stops being true: true at `low`, false at `high`, one change between.
 * The result is the last point found true, within 1e-15 of the change relative to the width.
 */
export function bisect(low: number, high: number, holds: (x: number) => boolean): number {
  let [left, right] = [low, high];
  for (let step = 0; step < 60; step += 1) {
    const middle = left + (right - left) / 2;
    if (middle === left || middle === right) break;
    if (holds(middle)) left = middle;
    else right = middle;
  }
  return left;
}
