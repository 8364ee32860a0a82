import { LANES, SUMS, type Kernel } from './kernel.ts';

/** Sums over one tensor's elements, float64, in the order of SUMS; and how many outputs became NaN or infinite. */
export interface Totals {
  /** moved, target, error, previous, dot. */
  readonly sums: number[];
  newNonFinite: number;
}

/** Nothing measured yet. */
export function noTotals(): Totals {
  return { sums: SUMS.map(() => 0), newNonFinite: 0 };
}

/** Adds a grain's lanes, each sum's in order, to the totals. */
export function addUp(totals: Totals, kernel: Kernel, sums: number): void {
  const lanes = new Float64Array(kernel.memory, sums, SUMS.length * LANES);
  for (const index of SUMS.keys()) {
    const grain = lanes.subarray(index * LANES, (index + 1) * LANES).reduce((sum, lane) => sum + lane, 0);
    totals.sums[index] = (totals.sums[index] ?? 0) + grain;
  }
}
