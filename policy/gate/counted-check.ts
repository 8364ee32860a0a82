import type { GateCheck, GateEvaluation, GateInterval, GateReference } from '../../contracts/gate.schema.ts';
import { RegraftError } from '../../contracts/error.ts';
import { bootstrapLower, bootstrapMean, bootstrapUpper } from '../statistics/bootstrap.ts';
import { mcnemarChanged } from '../statistics/mcnemar.ts';
import { wilsonInterval } from '../statistics/proportion.ts';
import { randomState } from '../statistics/random.ts';
import { weightedMean, type WeightedValues } from '../statistics/weighted-mean.ts';
import { isBinary, valuesOf, type PairedSamples } from './pair-samples.ts';
import { sayConfidence, sayCount, saySamples, sayScore, sayShare } from './say-amount.ts';
import { sayReference } from './say-reference.ts';

/** Scores are shares of samples: a difference under this is binary fractions, not a sample (0.8 − 0.1 > 0.7 in float64). */
const ROUNDING = 1e-9;
const RESAMPLES = 10_000;

/** Whether the candidate's score itself is at least the floor. The interval is there to be read; it decides nothing. */
export function floorCheck(
  suite: string,
  evaluation: GateEvaluation,
  floor: number,
  gate: { readonly alpha: number; readonly seedNames: readonly string[] },
): GateCheck {
  const values = valuesOf(evaluation);
  const score = weightedMean(values);
  const samples = evaluation.samples.length;
  const pass = score >= floor - ROUNDING;
  const { unit } = evaluation;
  const interval = scoreInterval(values, gate.alpha, gate.seedNames);
  const known =
    interval.low === null || interval.high === null
      ? ''
      : `, known to between ${sayScore(interval.low, unit)} and ${sayScore(interval.high, unit)} (${sayConfidence(interval.level)} sure)`;
  return {
    ...{ suite, rule: 'floor', unit, reference: null, candidate: score, referenceScore: null, difference: null },
    ...{ interval, margin: floor, pValue: null, adjustedAlpha: null, changedPValue: null, samples, flips: null },
    ...{ power: null, verdict: pass ? 'pass' : 'fail', pass },
    sentence: `${suite}: ${sayScore(score, unit)} on ${saySamples(samples)} is ${pass ? 'at or over' : 'under'} the floor of ${sayScore(floor, unit)}${known}.`,
  };
}

/**
 * Whether the share of samples that the reference has right and the candidate wrong is at most the cap. The share itself is
 * judged.
 *
 * @throws RegraftError GATE_FLIPS_UNCOUNTABLE when outcomes are not all right or wrong.
 */
export function flipsCheck(
  suite: string,
  pair: PairedSamples,
  reference: GateReference,
  cap: number,
  alpha: number,
): GateCheck {
  const { flips, unit } = pair;
  if (flips === null) {
    throw new RegraftError(
      'GATE_FLIPS_UNCOUNTABLE',
      `Suite \`${suite}\`: found outcomes that are neither 0 nor 1, or samples of different weight; flips are counted where every sample is right or wrong: take the suite out of gate.negativeFlips.`,
      { details: { suite } },
    );
  }
  const samples = pair.differences.values.length;
  const share = flips.negative / samples;
  const pass = share <= cap + ROUNDING;
  const [candidate, referenceScore] = [weightedMean(pair.candidate), weightedMean(pair.reference)];
  const { kind, release, modelDigest } = reference;
  return {
    ...{ suite, rule: 'negativeFlips', unit, reference: { kind, release, modelDigest }, candidate, referenceScore },
    difference: weightedMean(pair.differences),
    interval: { ...wilsonInterval(flips.negative, samples, alpha), level: 1 - 2 * alpha, method: 'wilson' },
    ...{ margin: cap, pValue: null, adjustedAlpha: null, changedPValue: mcnemarChanged(flips), samples, flips },
    ...{ power: null, verdict: pass ? 'pass' : 'fail', pass },
    sentence: `${suite}: ${sayCount(flips.negative)} of ${saySamples(samples)} that ${sayReference({ kind, release, modelDigest })} has right are now wrong (${sayShare(share)}), ${pass ? 'within' : 'over'} the cap of ${sayShare(cap)}; ${sayCount(flips.positive)} became right.`,
  };
}

function scoreInterval(values: WeightedValues, alpha: number, seedNames: readonly string[]): GateInterval {
  const count = values.values.length;
  const level = 1 - 2 * alpha;
  if (isBinary(values)) {
    const right = values.values.filter((value) => value === 1).length;
    return { ...wilsonInterval(right, count, alpha), level, method: 'wilson' };
  }
  if (values.values.every((value) => value === values.values[0])) {
    return { low: null, high: null, level, method: 'constant' };
  }
  const bootstrap = bootstrapMean(values, RESAMPLES, randomState(...seedNames));
  return {
    ...{ low: bootstrapLower(bootstrap, alpha), high: bootstrapUpper(bootstrap, alpha) },
    ...{ level, method: 'bca bootstrap' },
  };
}
