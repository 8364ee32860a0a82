// Sums of squares in eight lanes of float64: element i of a call is added to lane i mod 8, lane by lane in order of i.

/** Bytes of the lanes of one sum; the sums follow each other as SUMS in weights/ops/kernel.ts says. */
const SUM: usize = 64;
const MOVED: usize = 0;
const TARGET: usize = SUM;
const ERROR: usize = 2 * SUM;
const PREVIOUS: usize = 3 * SUM;
const DOT: usize = 4 * SUM;

export function measure(sums: usize, moved: usize, target: usize, out: usize, previous: usize, count: usize): void {
  const bytes = count << 3;
  const whole = bytes & ~15;
  for (let at: usize = 0; at < whole; at += 16) {
    addPair(sums + (at & 63), v128.load(moved + at), v128.load(target + at), v128.load(out + at));
  }
  if (whole < bytes) {
    addOne(sums + (whole & 63), load<f64>(moved + whole), load<f64>(target + whole), load<f64>(out + whole));
  }
  if (previous == 0) return;
  for (let at: usize = 0; at < bytes; at += 8) {
    const m = load<f64>(moved + at);
    const p = load<f64>(previous + at);
    const lane = sums + (at & 63);
    store<f64>(lane + PREVIOUS, load<f64>(lane + PREVIOUS) + p * p);
    store<f64>(lane + DOT, load<f64>(lane + DOT) + m * p);
  }
}

/** Adds one element to the lane at `lane`: where it lies among the lanes of the first sum. */
export function addOne(lane: usize, m: f64, t: f64, o: f64): void {
  const error = o - t - m;
  store<f64>(lane + MOVED, load<f64>(lane + MOVED) + m * m);
  store<f64>(lane + TARGET, load<f64>(lane + TARGET) + t * t);
  store<f64>(lane + ERROR, load<f64>(lane + ERROR) + error * error);
}

/** As addOne, for two elements that follow each other. */
// @ts-ignore: decorator
@inline export function addPair(lane: usize, m: v128, t: v128, o: v128): void {
  addMeasured(lane, m, t, f64x2.sub(f64x2.sub(o, t), m));
}

/** As addPair, with the error already known. */
// @ts-ignore: decorator
@inline export function addMeasured(lane: usize, m: v128, t: v128, error: v128): void {
  v128.store(lane + MOVED, f64x2.add(v128.load(lane + MOVED), f64x2.mul(m, m)));
  v128.store(lane + TARGET, f64x2.add(v128.load(lane + TARGET), f64x2.mul(t, t)));
  v128.store(lane + ERROR, f64x2.add(v128.load(lane + ERROR), f64x2.mul(error, error)));
}
