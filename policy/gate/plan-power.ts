import type { GatePower } from '../../contracts/gate.schema.ts';
import { boundPower, boundSampleSize } from '../statistics/bound-power.ts';
import { meanPower, meanSampleSize, noticedMean } from '../statistics/mean-power.ts';
import { noticedDifference, pairedPower, pairedSampleSize } from '../statistics/paired-power.ts';
import { spreadOf } from '../statistics/weighted-mean.ts';
import type { DifferenceTest } from './difference-test.ts';
import type { PairedSamples } from './pair-samples.ts';

/** A one-sided test of "the true difference is at most `bound`", as a check makes it. */
export interface PlannedTest {
  readonly rule: 'nonInferior' | 'superior';
  readonly bound: number;
  /** The level that the decision was made with. */
  readonly alpha: number;
  /** The probability that the needed number of samples is computed for. */
  readonly target: number;
  /** Fewer samples than this never pass, whatever they show. */
  readonly least: number;
}

/**
 * What the test can tell on as many samples, if models like these two differ from sample to sample as much as these do.
 * `nonInferior` asks about a candidate that is exactly as good; `superior` about one that is truly as much better as this
 * one looks (nothing where it does not look better enough). Null where two samples are not there to tell a spread.
 */
export function planPower(pair: PairedSamples, test: DifferenceTest, planned: PlannedTest): GatePower | null {
  const truth = planned.rule === 'nonInferior' ? 0 : test.difference > planned.bound ? test.difference : null;
  const plan =
    pair.flips !== null
      ? pairedPlan(pair, truth, planned)
      : test.method === 'binomial bound'
        ? boundPlan(pair, truth, planned)
        : meanPlan(pair, truth, planned);
  if (plan === null) return null;
  const least = Math.max(planned.least, test.least);
  return {
    ...plan,
    passProbability: pair.differences.values.length < least ? 0 : plan.passProbability,
    samplesNeeded: plan.samplesNeeded === null ? null : Math.max(least, plan.samplesNeeded),
  };
}

/** One more flip than was seen is assumed: none seen is not none possible. */
function discordanceOf({ differences }: PairedSamples): number {
  return (differences.values.filter((value) => value !== 0).length + 1) / (differences.values.length + 2);
}

function pairedPlan(pair: PairedSamples, truth: number | null, { rule, bound, alpha, target }: PlannedTest): GatePower {
  const samples = pair.differences.values.length;
  const discordance = discordanceOf(pair);
  const assumed = truth === null ? null : { difference: truth, discordance };
  // A drop is a gain of the reference: the same test, turned round.
  const noticed = noticedDifference(samples, target, discordance, { bound: rule === 'superior' ? bound : 0, alpha });
  return {
    assumes: { kind: 'discordance', value: discordance },
    truth,
    passProbability: assumed === null ? null : pairedPower(samples, assumed, { bound, alpha }),
    noticed: noticed === null || noticed <= 0 ? null : noticed,
    target,
    samplesNeeded: assumed === null ? null : pairedSampleSize(target, assumed, { bound, alpha }),
  };
}

function boundPlan(pair: PairedSamples, truth: number | null, { rule, bound, alpha, target }: PlannedTest): GatePower {
  const discordance = discordanceOf(pair);
  const worse = discordance / 2;
  const asked = rule === 'nonInferior' && bound < 0;
  return {
    assumes: { kind: 'discordance', value: discordance },
    truth,
    passProbability: asked ? boundPower(pair.differences.values.length, worse, -bound, alpha) : null,
    noticed: null,
    target,
    // Where too many may get worse for the bound, more samples show enough of them for another test; Tango's is as good a guess.
    samplesNeeded: asked
      ? (boundSampleSize(target, worse, -bound, alpha) ??
        pairedSampleSize(target, { difference: 0, discordance }, { bound, alpha }))
      : null,
  };
}

function meanPlan(pair: PairedSamples, truth: number | null, planned: PlannedTest): GatePower | null {
  const { rule, bound, alpha, target } = planned;
  const spread = spreadOf(pair.differences);
  if (spread === null) return null;
  const samples = pair.differences.values.length;
  const plan = { bound, alpha, spread };
  const noticed = noticedMean(samples, target, plan) + (rule === 'superior' ? bound : 0);
  return {
    assumes: { kind: 'standard deviation', value: spread },
    truth,
    passProbability: truth === null ? null : meanPower(samples, truth, plan),
    noticed: noticed > 0 ? noticed : null,
    target,
    samplesNeeded: truth === null ? null : meanSampleSize(target, truth, plan),
  };
}
