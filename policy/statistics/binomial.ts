/** ln Γ(x + 1) of a whole number: a sum while it is short, else Stirling's series, exact to 1e-14 of the value. */
function logFactorial(x: number): number {
  if (x < 20) {
    let product = 1;
    for (let factor = 2; factor <= x; factor += 1) product *= factor;
    return Math.log(product);
  }
  const z = x + 1;
  const series = 1 / (12 * z) - 1 / (360 * z ** 3) + 1 / (1260 * z ** 5) - 1 / (1680 * z ** 7);
  return (z - 0.5) * Math.log(z) - z + 0.5 * Math.log(2 * Math.PI) + series;
}

/** Probability of exactly `count` successes in `trials`, each with probability `chance`. */
export function binomialPmf(count: number, trials: number, chance: number): number {
  if (count < 0 || count > trials) return 0;
  if (chance <= 0) return count === 0 ? 1 : 0;
  if (chance >= 1) return count === trials ? 1 : 0;
  const ways = logFactorial(trials) - logFactorial(count) - logFactorial(trials - count);
  return Math.exp(ways + count * Math.log(chance) + (trials - count) * Math.log1p(-chance));
}

/**
 * Probability of at most `count` successes in `trials`. Terms are summed from `count` outwards on the side of the smaller
 * tail, so that small probabilities keep about 10 digits.
 */
export function binomialCdf(count: number, trials: number, chance: number): number {
  if (count < 0) return 0;
  if (count >= trials || chance <= 0) return 1;
  if (chance >= 1) return 0;
  if (count > trials * chance) return 1 - binomialUpperTail(count + 1, trials, chance);
  const odds = (1 - chance) / chance;
  let term = binomialPmf(count, trials, chance);
  let sum = term;
  for (let k = count; k > 0 && term > 1e-18 * sum; k -= 1) {
    term *= (k / (trials - k + 1)) * odds;
    sum += term;
  }
  return Math.min(1, sum);
}

/** Probability of at least `count` successes in `trials`. */
export function binomialUpperTail(count: number, trials: number, chance: number): number {
  if (count <= 0) return 1;
  return binomialCdf(trials - count, trials, 1 - chance);
}
