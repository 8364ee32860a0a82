"""The same numbers by scipy and statsmodels, or by other means than policy/statistics uses.

Reads one JSON object of cases on standard input, prints one JSON object of answers, one list a kind, in the same order.
"""

import json
import sys

import numpy as np
from scipy import optimize, stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import normal_power, normal_sample_size_one_tail
from statsmodels.stats.proportion import proportion_confint

MASK = 0xFFFFFFFF


def tango_statistic(negative, positive, samples, bound):
    """The likelihood is maximised under the bound by a root of its derivative, not by the closed form."""
    same = samples - negative - positive
    lowest, highest = max(0.0, -bound), (1 - bound) / 2

    def slope(chance):
        """d/dq of negative·ln q + positive·ln(q + bound) + same·ln(1 - 2q - bound), times the denominators."""
        rest = 1 - 2 * chance - bound
        return negative * (chance + bound) * rest + positive * chance * rest - 2 * same * chance * (chance + bound)

    # The slope is a cubic with its only root inside at the maximum; at a corner it may vanish too.
    inside = lowest + 1e-13, highest - 1e-13
    at = [slope(inside[0]), slope(inside[1])]
    chance = optimize.brentq(slope, *inside, xtol=1e-15) if at[0] > 0 > at[1] else (lowest if at[0] <= 0 else highest)
    variance = samples * (2 * chance + bound - bound * bound)
    return (positive - negative - samples * bound) / np.sqrt(variance)


def tango_limits(negative, positive, samples, alpha):
    difference = (positive - negative) / samples
    z = stats.norm.isf(alpha)

    def root(low, high, wanted):
        return optimize.brentq(lambda d: tango_statistic(negative, positive, samples, d) - wanted, low, high)

    edge = 1 - 1e-9
    return [
        root(-edge, difference - 1e-9, z) if difference > -edge else -1.0,
        root(difference + 1e-9, edge, -z) if difference < edge else 1.0,
    ]


def paired_power(samples, difference, discordance, bound, alpha):
    """Every table that there can be, with its probability."""
    worse, better = (discordance - difference) / 2, (discordance + difference) / 2
    tables = stats.multinomial(samples, [worse, better, 1 - worse - better])
    z = stats.norm.isf(alpha)
    return sum(
        tables.pmf([b, c, samples - b - c])
        for b in range(samples + 1)
        for c in range(samples + 1 - b)
        if tango_statistic(b, c, samples, bound) >= z
    )


class SameDraws(np.random.Generator):
    """Indices as policy/statistics draws them, so that scipy's resamples are the same ones."""

    def __init__(self, state):
        super().__init__(np.random.PCG64(0))
        self.state = state

    def integers(self, low, high=None, size=None, dtype=np.int64, endpoint=False):
        assert low == 0 and not endpoint
        drawn = xoshiro(self.state, int(np.prod(size)))
        return (np.array(drawn, dtype=float) * (high / 2**32)).astype(dtype).reshape(size)


def bca(values, weights, alpha, resamples, state):
    def mean(v, w, axis=-1):
        return np.sum(v * w, axis=axis) / np.sum(w, axis=axis)

    found = stats.bootstrap(
        (np.array(values), np.array(weights)),
        mean,
        paired=True,
        vectorized=True,
        n_resamples=resamples,
        confidence_level=1 - 2 * alpha,
        method="BCa",
        rng=SameDraws(state),
    )
    low, high = found.confidence_interval
    return {"low": low, "high": high, "resampled": sorted(found.bootstrap_distribution.tolist())}


def xoshiro(state, count):
    """xoshiro128** on whole numbers of any size, cut to 32 bits."""
    a, b, c, d = state
    drawn = []
    for _ in range(count):
        five = (b * 5) & MASK
        drawn.append((((five << 7) | (five >> 25)) * 9) & MASK)
        shifted = (b << 9) & MASK
        c ^= a
        d ^= b
        b ^= c
        a ^= d
        c ^= shifted
        d = ((d << 11) | (d >> 21)) & MASK
    return drawn


def exact_p(negative, positive):
    return float(mcnemar([[7, negative], [positive, 5]], exact=True).pvalue)


def proportion(count, trials, alpha, method):
    return [float(limit) for limit in proportion_confint(count, trials, alpha=2 * alpha, method=method)]


def mean_power(samples, truth, bound, alpha, spread):
    return float(normal_power((truth - bound) / spread, samples, alpha, alternative="larger"))


def mean_samples(target, truth, bound, alpha, spread):
    return float(normal_sample_size_one_tail(truth - bound, target, alpha, std_null=spread))


ANSWERS = {
    "normalCdf": lambda x: float(stats.norm.cdf(x)),
    "normalQuantile": lambda p: float(stats.norm.ppf(p)),
    "binomialPmf": lambda k, n, p: float(stats.binom.pmf(k, n, p)),
    "binomialCdf": lambda k, n, p: float(stats.binom.cdf(k, n, p)),
    "binomialUpperTail": lambda k, n, p: float(stats.binom.sf(k - 1, n, p)),
    "mcnemarChanged": exact_p,
    "exactShare": lambda k, n, a: proportion(k, n, a, "beta"),
    "wilson": lambda k, n, a: proportion(k, n, a, "wilson"),
    "tangoStatistic": lambda b, c, n, d: float(tango_statistic(b, c, n, d)),
    "tangoLimits": tango_limits,
    "holm": lambda ps, a: [bool(one) for one in multipletests(ps, alpha=a, method="holm")[0]],
    "pairedPower": lambda n, d, psi, bound, a: float(paired_power(n, d, psi, bound, a)),
    "boundPower": lambda n, worse, m, a: float(
        sum(stats.binom.pmf(k, n, worse) for k in range(n + 1) if stats.binom.cdf(k, n, m) <= a)
    ),
    "meanPower": mean_power,
    "meanSamples": mean_samples,
    "bca": bca,
    "xoshiro": xoshiro,
}

if __name__ == "__main__":
    cases = json.load(sys.stdin)
    json.dump({kind: [ANSWERS[kind](*case) for case in cases[kind]] for kind in cases}, sys.stdout)
