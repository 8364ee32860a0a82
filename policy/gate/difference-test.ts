import type { IntervalMethod } from '../../contracts/gate.schema.ts';
import { binomialCdf, binomialUpperTail } from '../statistics/binomial.ts';
import { bootstrapLower, bootstrapMean, bootstrapPValue, bootstrapUpper } from '../statistics/bootstrap.ts';
import type { Flips } from '../statistics/mcnemar.ts';
import { exactLowerShare, exactUpperShare } from '../statistics/proportion.ts';
import { randomState } from '../statistics/random.ts';
import { tangoLower, tangoPValue, tangoUpper } from '../statistics/tango.ts';
import { weightedMean } from '../statistics/weighted-mean.ts';
import type { PairedSamples } from './pair-samples.ts';

/** A bootstrap of fewer values promises more than it knows. */
const LEAST_FOR_BOOTSTRAP = 30;
/** Of fewer samples that differ, resampling sees too little: how far the next one might differ is then not in the data. */
const LEAST_THAT_DIFFER = 10;
const RESAMPLES = 10_000;

/**
 * What the samples say about the true difference (candidate − reference). One inversion gives both: `pValue(bound)` ≤
 * alpha exactly where `lower(alpha)` is at least (bootstrap: over) the bound, so a verdict never contradicts its interval.
 */
export interface DifferenceTest {
  readonly method: IntervalMethod;
  /** What the samples show, in score units. */
  readonly difference: number;
  /** The true difference is under this with probability alpha at most; null: nothing is known. */
  readonly lower: (alpha: number) => number | null;
  readonly upper: (alpha: number) => number | null;
  /** One-sided p-value of "the true difference is at most `bound`". */
  readonly pValue: (bound: number) => number;
  /** Fewer samples than this tell nothing by this method. */
  readonly least: number;
  /** What a reader must know of it, as part of a sentence; null: nothing. */
  readonly caveat: string | null;
}

/**
 * The test that suits the samples: Tango's score for right and wrong; a bound by the binomial where hardly any sample
 * differs; else a BCa bootstrap of the mean difference, weighted as the suite's score is.
 *
 * @param seedNames digests of what is compared: the same comparison draws the same resamples.
 */
export function differenceTest(pair: PairedSamples, seedNames: readonly string[]): DifferenceTest {
  if (pair.flips !== null) return tangoTest(pair.flips, pair.differences.values.length);
  const { values, weights } = pair.differences;
  const differing = values.filter((value) => value !== 0).length;
  if (pair.unit === 'share' && weights === null && differing < LEAST_THAT_DIFFER) return boundTest(pair);
  if (values.length < LEAST_FOR_BOOTSTRAP) return unknownTest(pair);
  if (values.every((value) => value === values[0])) return constantTest(pair);
  const bootstrap = bootstrapMean(pair.differences, RESAMPLES, randomState(...seedNames));
  return {
    method: 'bca bootstrap',
    difference: bootstrap.mean,
    lower: (alpha) => bootstrapLower(bootstrap, alpha),
    upper: (alpha) => bootstrapUpper(bootstrap, alpha),
    pValue: (bound) => bootstrapPValue(bootstrap, bound),
    least: LEAST_FOR_BOOTSTRAP,
    caveat: null,
  };
}

/**
 * For "better at all": Tango's score and the exact McNemar test must both agree. The interval is the wider of Tango's and
 * of the exact one for the flips that there were (Clopper and Pearson's share of positive flips).
 */
export function betterAtAllTest(pair: PairedSamples, otherwise: DifferenceTest): DifferenceTest {
  if (pair.flips === null) return otherwise;
  const samples = pair.differences.values.length;
  const { negative, positive } = pair.flips;
  const flipped = negative + positive;
  if (flipped === 0) return otherwise;
  const tango = tangoTest(pair.flips, samples);
  const toDifference = (positiveShare: number): number => ((2 * positiveShare - 1) * flipped) / samples;
  const toShare = (bound: number): number => (1 + (bound * samples) / flipped) / 2;
  return {
    method: 'tango and exact mcnemar',
    difference: tango.difference,
    lower: (alpha) => Math.min(tango.lower(alpha), toDifference(exactLowerShare(positive, flipped, alpha))),
    upper: (alpha) => Math.max(tango.upper(alpha), toDifference(exactUpperShare(positive, flipped, alpha))),
    pValue: (bound) => Math.max(tango.pValue(bound), binomialUpperTail(positive, flipped, toShare(bound))),
    least: 1,
    caveat: null,
  };
}

function tangoTest(flips: Flips, samples: number) {
  const counts = { ...flips, samples };
  return {
    method: 'tango',
    difference: (flips.positive - flips.negative) / samples,
    lower: (alpha: number): number => tangoLower(counts, alpha),
    upper: (alpha: number): number => tangoUpper(counts, alpha),
    pValue: (bound: number): number => tangoPValue(counts, bound),
    least: 1,
    caveat: null,
  } as const satisfies DifferenceTest;
}

/** No share falls by more than 1, so the mean falls by no more than the share of samples that get worse. */
function boundTest({ differences }: PairedSamples): DifferenceTest {
  const samples = differences.values.length;
  const worse = differences.values.filter((value) => value < 0).length;
  const better = differences.values.filter((value) => value > 0).length;
  return {
    method: 'binomial bound',
    difference: weightedMean(differences),
    lower: (alpha) => -exactUpperShare(worse, samples, alpha),
    upper: (alpha) => exactUpperShare(better, samples, alpha),
    pValue: (bound) => (bound >= 0 ? 1 : bound <= -1 ? 0 : binomialCdf(worse, samples, -bound)),
    least: 1,
    caveat: `${sayFew(worse + better)}, so each that might is counted as a change from wholly right to wholly wrong`,
  };
}

function sayFew(differing: number): string {
  if (differing === 0) return 'no sample differs';
  return differing === 1 ? 'only 1 sample differs' : `only ${String(differing)} samples differ`;
}

function unknownTest({ differences }: PairedSamples): DifferenceTest {
  return {
    method: 'bca bootstrap',
    difference: weightedMean(differences),
    lower: () => null,
    upper: () => null,
    pValue: () => 1,
    least: LEAST_FOR_BOOTSTRAP,
    caveat: `fewer than ${String(LEAST_FOR_BOOTSTRAP)} samples are too few to say how uncertain that is`,
  };
}

/** Outcomes that are no shares and all differ by the same: as a rule by 0, two models that compute the same. */
function constantTest({ differences }: PairedSamples): DifferenceTest {
  const difference = differences.values[0] ?? NaN;
  return {
    method: 'constant',
    difference,
    lower: () => difference,
    upper: () => difference,
    pValue: (bound) => (difference > bound ? 0 : 1),
    least: LEAST_FOR_BOOTSTRAP,
    caveat: 'every sample differs by the same amount, so nothing hints at how another might differ',
  };
}
