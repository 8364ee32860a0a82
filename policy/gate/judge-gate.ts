import type {
  GateCheck,
  GateDecision,
  GateInput,
  GateReference,
  GateSpec,
  ReferenceKind,
} from '../../contracts/gate.schema.ts';
import { holm } from '../statistics/holm.ts';
import { flipsCheck, floorCheck } from './counted-check.ts';
import { betterAtAllTest, differenceTest, type DifferenceTest } from './difference-test.ts';
import { evaluationOn, pairSamples, type PairedSamples } from './pair-samples.ts';
import { sayDecision } from './say-decision.ts';
import { sayReference } from './say-reference.ts';
import { testedCheck, type Hypothesis } from './tested-check.ts';

/**
 * Whether a candidate may be published: every check of the gate must pass, suite by suite and reference by reference;
 * suites are never averaged. What the samples cannot tell does not pass. Pure: the same input gives the same decision,
 * resamples included, which are drawn from the digests. docs/evaluation.md explains the statistics.
 *
 * A reference that does not exist is left out; with none left only floors are judged, and the sentence says so.
 *
 * Time: 10,000 draws a sample for every suite and reference whose outcomes are not just right and wrong: half a second for
 * 5,000 samples. Run it in an activity, by {@link judgeGateInSteps} where others wait for the same thread.
 *
 * @throws RegraftError GATE_SUITE_MISSING, GATE_OUTCOME_INVALID, GATE_UNLIKE_COMPARISON (suite, harness, unit or samples
 * differ: such numbers are never compared), GATE_FLIPS_UNCOUNTABLE; none is worth trying again.
 */
export function judgeGate(input: GateInput): GateDecision {
  const steps = judgeGateInSteps(input);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** As {@link judgeGate}, with a pause after each test that a caller may let others work in. */
export function* judgeGateInSteps(input: GateInput): Generator<undefined, GateDecision> {
  const { spec } = input;
  if (spec === null) {
    return {
      decision: 'pass',
      sentence: 'passed: no gate is declared',
      alpha: 0,
      references: [],
      absent: [],
      checks: [],
    };
  }
  const { present, absent } = referencesOf(spec, input.references);
  const compare = comparer(input);
  const hypotheses: Hypothesis[] = [];
  for (const reference of present) {
    for (const rule of ['nonInferior', 'superior'] as const) {
      for (const [suite, margin] of Object.entries(spec[rule])) {
        hypotheses.push(hypothesisOf(suite, rule, margin, reference, compare));
        yield;
      }
    }
  }
  const levels = holm(
    hypotheses.map(({ pValue }) => pValue),
    spec.alpha,
  );
  const gate = { power: spec.power, minSamples: spec.minSamples ?? 1 };
  const checks: readonly GateCheck[] = [
    ...hypotheses.flatMap((hypothesis, index) => {
      const level = levels[index];
      return level === undefined ? [] : [testedCheck(hypothesis, level, gate)];
    }),
    ...present.flatMap((reference) =>
      Object.entries(spec.negativeFlips).map(([suite, cap]) =>
        flipsCheck(suite, compare(suite, reference).pair, reference, cap, spec.alpha),
      ),
    ),
    ...floorChecks(input, spec),
  ];
  return {
    decision: checks.every(({ pass }) => pass) ? 'pass' : 'reject',
    sentence: sayDecision(checks, absent),
    alpha: spec.alpha,
    references: present.map(({ kind, release, modelDigest }) => ({ kind, release, modelDigest })),
    absent: [...absent],
    checks: [...checks],
  };
}

function referencesOf(
  { against }: GateSpec,
  references: readonly GateReference[],
): { readonly present: readonly GateReference[]; readonly absent: readonly ReferenceKind[] } {
  const kinds = [...new Set(typeof against === 'string' ? [against] : against)];
  const find = (kind: ReferenceKind): GateReference | undefined => references.find((one) => one.kind === kind);
  return {
    present: kinds.flatMap((kind) => find(kind) ?? []),
    absent: kinds.filter((kind) => find(kind) === undefined),
  };
}

interface Comparison {
  readonly pair: PairedSamples;
  readonly test: DifferenceTest;
}
type Compare = (suite: string, reference: GateReference) => Comparison;

/** Joins and tests a suite once for each reference, however many rules ask about it. */
function comparer({ candidate }: GateInput): Compare {
  const known = new Map<string, Comparison>();
  return (suite, reference) => {
    const key = `${reference.kind}/${suite}`;
    const before = known.get(key);
    if (before !== undefined) return before;
    const mine = evaluationOn(suite, candidate, 'the candidate');
    const name = sayReference(reference);
    const pair = pairSamples(suite, mine, evaluationOn(suite, reference, name), name);
    const seedNames = [mine.suiteDigest, mine.harness.digest, candidate.modelDigest, reference.modelDigest];
    const comparison = { pair, test: differenceTest(pair, seedNames) };
    known.set(key, comparison);
    return comparison;
  };
}

function hypothesisOf(
  suite: string,
  rule: Hypothesis['rule'],
  margin: number,
  reference: GateReference,
  compare: Compare,
): Hypothesis {
  const { pair, test: usual } = compare(suite, reference);
  const test = rule === 'superior' && margin === 0 ? betterAtAllTest(pair, usual) : usual;
  const bound = rule === 'superior' ? margin : 0 - margin;
  return { suite, rule, margin, bound, reference, pair, test, pValue: test.pValue(bound) };
}

function floorChecks({ candidate }: GateInput, spec: GateSpec): readonly GateCheck[] {
  return Object.entries(spec.floors).map(([suite, floor]) => {
    const evaluation = evaluationOn(suite, candidate, 'the candidate');
    const seedNames = [evaluation.suiteDigest, evaluation.harness.digest, candidate.modelDigest];
    return floorCheck(suite, evaluation, floor, { alpha: spec.alpha, seedNames });
  });
}
