import type { GateCheck } from '../../contracts/gate.schema.ts';
import {
  sayAmount,
  sayConfidence,
  sayCount,
  sayDifference,
  sayProbability,
  saySamples,
  sayScore,
} from './say-amount.ts';
import { sayReference } from './say-reference.ts';

type Tested = Omit<GateCheck, 'sentence'>;

/** What the check itself does not hold. */
export interface Remarks {
  readonly caveat: string | null;
  /** The gate's `minSamples` where there are fewer; null: there are enough. */
  readonly least: number | null;
}

/** A tested check in one sentence, for people who are not statisticians: scores, what is shown, and what samples can tell. */
export function sayTested(check: Tested, { caveat, least }: Remarks): string {
  const scores = `${check.suite}: ${sayScore(check.candidate, check.unit)} against ${sayScore(check.referenceScore ?? NaN, check.unit)} of ${sayReference(check.reference)} on ${saySamples(check.samples)}${sayFlips(check)}`;
  const few = least === null ? [] : [`the gate asks for at least ${saySamples(least)}`];
  const parts = [
    scores,
    sayFinding(check, least !== null),
    ...(caveat === null ? [] : [caveat]),
    ...few,
    ...sayPower(check),
  ];
  return `${parts.join('; ')}.`;
}

function sayFlips({ flips }: Tested): string {
  if (flips === null) return '';
  if (flips.negative + flips.positive === 0) return ' (none changed)';
  return ` (${sayCount(flips.positive)} became right, ${sayCount(flips.negative)} became wrong)`;
}

function sayFinding(check: Tested, tooFew: boolean): string {
  const { interval, unit, verdict } = check;
  const { low, high } = interval;
  if (low === null || high === null) return `inconclusive: nothing can be said about ${sayBound(check)}`;
  const oneSided = sayConfidence(1 - (check.adjustedAlpha ?? 0));
  const between = `the true difference lies between ${sayDifference(low, unit)} and ${sayDifference(high, unit)} (${sayConfidence(interval.level)} sure)`;
  switch (verdict) {
    case 'pass':
      return `the true difference is at least ${sayDifference(low, unit)} (${oneSided} sure), ${sayPassed(check)}`;
    case 'fail':
      return `the true difference is at most ${sayDifference(high, unit)} (${oneSided} sure), ${sayFailed(check)}`;
    case 'inconclusive':
      return tooFew
        ? `inconclusive: ${between}`
        : `inconclusive: ${between}, which neither shows nor rules out ${sayBound(check)}`;
  }
}

function sayPassed({ rule, margin, unit }: Tested): string {
  if (rule === 'nonInferior') return `within the margin of ${sayAmount(margin, unit)}`;
  return margin === 0 ? 'so it is better' : `more than the ${sayAmount(margin, unit)} that are asked for`;
}

function sayFailed({ rule, margin, unit }: Tested): string {
  if (rule === 'nonInferior') return `worse than the margin of ${sayAmount(margin, unit)} allows`;
  return margin === 0 ? 'so it is not better' : `less than the ${sayAmount(margin, unit)} that are asked for`;
}

function sayBound({ rule, margin, unit }: Tested): string {
  if (rule === 'nonInferior')
    return margin === 0 ? 'any drop at all' : `a drop of more than ${sayAmount(margin, unit)}`;
  return margin === 0 ? 'any gain at all' : `a gain of more than ${sayAmount(margin, unit)}`;
}

/** What so many samples can tell, and how many would. Nothing that a passed check would still need. */
function sayPower({ power, rule, margin, unit, samples, verdict, interval }: Tested): readonly string[] {
  if (power === null) return [];
  const size = rule === 'nonInferior' ? 'drop' : 'gain';
  const noticed =
    power.noticed === null || interval.low === null
      ? []
      : [
          `with so many samples a true ${size} of ${sayAmount(power.noticed, unit)} is noticed with probability ${sayProbability(power.target)}`,
        ];
  if (verdict !== 'inconclusive') return noticed;
  return [...noticed, ...sayNeeded({ power, rule, margin, samples })];
}

function sayNeeded({
  power,
  rule,
  margin,
  samples,
}: Pick<Tested, 'rule' | 'margin' | 'samples'> & { readonly power: NonNullable<Tested['power']> }): readonly string[] {
  if (rule === 'nonInferior' && margin === 0) {
    return ['a margin of 0 is shown by a better candidate only, however many samples there are'];
  }
  const { passProbability, samplesNeeded, target } = power;
  if (passProbability === null) return [];
  if (passProbability === 0 && samplesNeeded !== null) return [`about ${saySamples(samplesNeeded)} are needed`];
  const whose =
    rule === 'nonInferior' ? 'an equally good candidate' : 'a candidate truly as much better as this one looks';
  const now = `${whose} passes with probability ${sayProbability(passProbability)}`;
  if (samplesNeeded === null)
    return [`${now}, and no number of samples that anyone has is enough for ${sayProbability(target)}`];
  if (samplesNeeded <= samples) return [now];
  return [`${now}, and about ${saySamples(samplesNeeded)} are needed for ${sayProbability(target)}`];
}
