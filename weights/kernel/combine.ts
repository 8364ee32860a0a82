// Sums and products of float64 values, each rounded once by the machine; no product is fused with a sum.

export function subtract(into: usize, minuend: usize, subtrahend: usize, count: usize): void {
  const bytes = count << 3;
  const whole = bytes & ~15;
  for (let at: usize = 0; at < whole; at += 16) {
    v128.store(into + at, f64x2.sub(v128.load(minuend + at), v128.load(subtrahend + at)));
  }
  if (whole < bytes) store<f64>(into + whole, load<f64>(minuend + whole) - load<f64>(subtrahend + whole));
}

export function scale(into: usize, factor: f64, values: usize, count: usize): void {
  const bytes = count << 3;
  const whole = bytes & ~15;
  const factors = f64x2.splat(factor);
  for (let at: usize = 0; at < whole; at += 16) {
    v128.store(into + at, f64x2.mul(factors, v128.load(values + at)));
  }
  if (whole < bytes) store<f64>(into + whole, factor * load<f64>(values + whole));
}

export function add(into: usize, a: usize, b: usize, count: usize): void {
  const bytes = count << 3;
  const whole = bytes & ~15;
  for (let at: usize = 0; at < whole; at += 16) {
    v128.store(into + at, f64x2.add(v128.load(a + at), v128.load(b + at)));
  }
  if (whole < bytes) store<f64>(into + whole, load<f64>(a + whole) + load<f64>(b + whole));
}

export function addScaled(into: usize, factor: f64, values: usize, count: usize): void {
  const bytes = count << 3;
  const whole = bytes & ~15;
  const factors = f64x2.splat(factor);
  for (let at: usize = 0; at < whole; at += 16) {
    v128.store(into + at, f64x2.add(v128.load(into + at), f64x2.mul(factors, v128.load(values + at))));
  }
  if (whole < bytes) store<f64>(into + whole, load<f64>(into + whole) + factor * load<f64>(values + whole));
}
