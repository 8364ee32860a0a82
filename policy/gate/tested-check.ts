import type { GateCheck, GateReference } from '../../contracts/gate.schema.ts';
import type { HolmLevel } from '../statistics/holm.ts';
import { mcnemarChanged } from '../statistics/mcnemar.ts';
import { weightedMean } from '../statistics/weighted-mean.ts';
import type { DifferenceTest } from './difference-test.ts';
import type { PairedSamples } from './pair-samples.ts';
import { planPower } from './plan-power.ts';
import { sayTested } from './say-tested.ts';

/** One question of the gate that a test answers: is the true difference over `bound`? */
export interface Hypothesis {
  readonly suite: string;
  readonly rule: 'nonInferior' | 'superior';
  readonly margin: number;
  /** −margin for `nonInferior`, margin for `superior`. */
  readonly bound: number;
  readonly reference: GateReference;
  readonly pair: PairedSamples;
  readonly test: DifferenceTest;
  /** One-sided p-value of "the true difference is at most `bound`". */
  readonly pValue: number;
}

/**
 * The check of a hypothesis at the level that Holm's procedure gave it. It passes when the true difference was shown to be
 * over the bound; it fails when it was shown to be under it; else it is inconclusive, which does not pass.
 */
export function testedCheck(
  hypothesis: Hypothesis,
  { rejected, level }: HolmLevel,
  gate: { readonly power: number; readonly minSamples: number },
): GateCheck {
  const { suite, rule, margin, bound, reference, pair, test, pValue } = hypothesis;
  const samples = pair.differences.values.length;
  const [low, high] = [test.lower(level), test.upper(level)];
  const tooFew = samples < gate.minSamples;
  const pass = rejected && !tooFew;
  const shownOtherwise = high !== null && high < bound;
  const check: Omit<GateCheck, 'sentence'> = {
    suite,
    rule,
    unit: pair.unit,
    reference: { kind: reference.kind, release: reference.release, modelDigest: reference.modelDigest },
    candidate: weightedMean(pair.candidate),
    referenceScore: weightedMean(pair.reference),
    difference: test.difference,
    interval: { low, high, level: 1 - 2 * level, method: test.method },
    margin,
    pValue,
    adjustedAlpha: level,
    changedPValue: pair.flips === null ? null : mcnemarChanged(pair.flips),
    samples,
    flips: pair.flips,
    power: planPower(pair, test, { rule, bound, alpha: level, target: gate.power, least: gate.minSamples }),
    verdict: pass ? 'pass' : shownOtherwise ? 'fail' : 'inconclusive',
    pass,
  };
  return { ...check, sentence: sayTested(check, { caveat: test.caveat, least: tooFew ? gate.minSamples : null }) };
}
