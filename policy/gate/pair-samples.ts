import { RegraftError } from '../../contracts/error.ts';
import type { OutcomeUnit, SampleResult } from '../../contracts/evaluation.schema.ts';
import type { GateEvaluation, GateModel } from '../../contracts/gate.schema.ts';
import type { Flips } from '../statistics/mcnemar.ts';
import type { WeightedValues } from '../statistics/weighted-mean.ts';

/** One suite's outcomes under two models, sample by sample, in the order of the sample ids. */
export interface PairedSamples {
  readonly unit: OutcomeUnit;
  readonly candidate: WeightedValues;
  readonly reference: WeightedValues;
  readonly differences: WeightedValues;
  /** Null unless every outcome is 0 or 1 and all samples count alike. */
  readonly flips: Flips | null;
}

/**
 * The evaluation of a model on a suite, checked.
 *
 * @throws RegraftError GATE_SUITE_MISSING when there is none; GATE_OUTCOME_INVALID when an outcome is no number, or no
 * share where the unit says so.
 */
export function evaluationOn(suite: string, model: GateModel, whose: string): GateEvaluation {
  const found = model.evaluations[suite];
  if (found === undefined) {
    const known = Object.keys(model.evaluations);
    throw new RegraftError(
      'GATE_SUITE_MISSING',
      `Suite \`${suite}\`: ${whose} has no score on it, found ${known.length === 0 ? 'none at all' : `only ${known.join(', ')}`}; evaluate it or take the suite out of the gate.`,
      { details: { suite } },
    );
  }
  for (const { id, outcome } of found.samples) {
    if (Number.isFinite(outcome) && (found.unit !== 'share' || (outcome >= 0 && outcome <= 1))) continue;
    const expected = found.unit === 'share' ? 'a number from 0 to 1' : 'a finite number';
    throw new RegraftError(
      'GATE_OUTCOME_INVALID',
      `Suite \`${suite}\`: ${whose} has outcome ${String(outcome)} on sample \`${id}\`, expected ${expected}; evaluate it anew.`,
      { details: { suite, id } },
    );
  }
  return found;
}

/** Outcomes with their weights in the order of the ids, so that nothing depends on the order of a file. */
export function valuesOf({ samples }: GateEvaluation): WeightedValues {
  const ordered = byId(samples);
  const weights = ordered.map(({ weight }) => weight);
  return {
    values: Float64Array.from(ordered, ({ outcome }) => outcome),
    weights: weights.every((weight) => weight === weights[0]) ? null : Float64Array.from(weights),
  };
}

/** Whether all outcomes are right or wrong, and count alike. */
export function isBinary({ values, weights }: WeightedValues): boolean {
  return weights === null && values.every((value) => value === 0 || value === 1);
}

/**
 * Joins two evaluations of one suite by sample id.
 *
 * @throws RegraftError GATE_UNLIKE_COMPARISON, naming both, when suite, harness or unit differ, or when the samples do not
 * match one to one with the same weights.
 */
export function pairSamples(
  suite: string,
  candidate: GateEvaluation,
  reference: GateEvaluation,
  referenceName: string,
): PairedSamples {
  const difference = unlikeness(candidate, reference);
  if (difference !== null) {
    throw new RegraftError(
      'GATE_UNLIKE_COMPARISON',
      `Suite \`${suite}\`: the candidate ${difference.candidate}, ${referenceName} ${difference.reference}; evaluate both alike before comparing.`,
      { details: { suite, ...difference } },
    );
  }
  const [mine, theirs] = [valuesOf(candidate), valuesOf(reference)];
  const values = mine.values.map((value, index) => value - (theirs.values[index] ?? NaN));
  const flips = candidate.unit === 'share' && isBinary(mine) && isBinary(theirs) ? countFlips(values) : null;
  return {
    unit: candidate.unit,
    candidate: mine,
    reference: theirs,
    differences: { values, weights: mine.weights },
    flips,
  };
}

interface Unlikeness {
  readonly candidate: string;
  readonly reference: string;
}

function unlikeness(candidate: GateEvaluation, reference: GateEvaluation): Unlikeness | null {
  const tell = (say: (evaluation: GateEvaluation) => string): Unlikeness => ({
    candidate: say(candidate),
    reference: say(reference),
  });
  if (candidate.suiteDigest !== reference.suiteDigest) {
    return tell(({ suiteDigest }) => `was scored with suite ${suiteDigest.slice(0, 12)}`);
  }
  if (candidate.harness.digest !== reference.harness.digest) {
    return tell(({ harness: { name, version, digest } }) => `by ${name} ${version} (${digest.slice(0, 12)})`);
  }
  if (candidate.unit !== reference.unit) return tell(({ unit: found }) => `has outcomes in ${found}`);
  return unlikeSamples(candidate.samples, reference.samples);
}

function unlikeSamples(candidate: readonly SampleResult[], reference: readonly SampleResult[]): Unlikeness | null {
  const others = new Map(reference.map((sample) => [sample.id, sample]));
  const seen = new Set<string>();
  for (const { id, weight } of candidate) {
    const other = others.get(id);
    if (other === undefined) return { candidate: `has sample \`${id}\``, reference: 'has not' };
    if (seen.has(id)) return { candidate: `has sample \`${id}\` twice`, reference: 'once' };
    if (other.weight !== weight) {
      return { candidate: `counts sample \`${id}\` ${weight} times`, reference: `${other.weight} times` };
    }
    seen.add(id);
  }
  const missing = reference.find(({ id }) => !seen.has(id));
  if (missing !== undefined) return { candidate: `lacks sample \`${missing.id}\``, reference: 'has it' };
  if (others.size === reference.length) return null;
  return { candidate: `has ${candidate.length} samples`, reference: `${reference.length}, some of them twice` };
}

function byId(samples: readonly SampleResult[]): readonly SampleResult[] {
  return [...samples].sort((one, other) => (one.id < other.id ? -1 : one.id > other.id ? 1 : 0));
}

function countFlips(differences: Float64Array): Flips {
  return {
    negative: differences.filter((value) => value < 0).length,
    positive: differences.filter((value) => value > 0).length,
  };
}
