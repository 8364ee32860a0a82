const SQRT_TWO_PI = Math.sqrt(2 * Math.PI);
/** Below this the series is exact to 1e-16 and beyond it the continued fraction is quick. */
const TAIL = 4;

function density(x: number): number {
  return Math.exp((-x * x) / 2) / SQRT_TWO_PI;
}

/**
 * Φ(x): probability that a standard normal number is at most x. Exact to 1e-15, and in the lower tail to 1e-12 of the
 * value itself. Series: Marsaglia, Evaluating the Normal Distribution, Journal of Statistical Software 11 (2004).
 */
export function normalCdf(x: number): number {
  if (x > TAIL) return 1 - upperTail(x);
  if (x < -TAIL) return upperTail(-x);
  let term = x;
  let sum = x;
  for (let divisor = 3; Math.abs(term) > 1e-17 * Math.abs(sum); divisor += 2) {
    term *= (x * x) / divisor;
    sum += term;
  }
  return 0.5 + density(x) * sum;
}

/** 1 − Φ(x) for x over TAIL, by Laplace's continued fraction x + 1/(x + 2/(x + 3/(x + …))). */
function upperTail(x: number): number {
  if (x === Infinity) return 0;
  let fraction = x;
  for (let level = 60; level >= 1; level -= 1) fraction = x + level / fraction;
  return density(x) / fraction;
}

/**
 * Φ⁻¹(p), to 1e-13; −∞ and ∞ at 0 and 1, NaN outside. A first guess (Abramowitz and Stegun 26.2.23) made exact by
 * Halley steps.
 */
export function normalQuantile(p: number): number {
  if (!(p >= 0 && p <= 1)) return NaN;
  if (p === 0) return -Infinity;
  // The lower tail keeps its digits: Φ is near 0 there, not near 1.
  if (p > 0.5) return p === 1 ? Infinity : -normalQuantile(1 - p);
  const t = Math.sqrt(-2 * Math.log(p));
  let x = (2.515517 + t * (0.802853 + t * 0.010328)) / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308))) - t;
  for (let step = 0; step < 4; step += 1) {
    const slope = density(x);
    if (slope === 0) return x;
    const error = (normalCdf(x) - p) / slope;
    x -= error / (1 + (x * error) / 2);
  }
  return x;
}
