import { RegraftError } from '../contracts/error.ts';
import type { LineageSpec } from '../contracts/lineage-spec.schema.ts';
import type { PublishedModel } from '../contracts/run.ts';
import type { EvaluatedStep, GateDecision, SuiteScore } from '../contracts/run-record.schema.ts';

type GateCheck = GateDecision['checks'][number];

/** Scores are shares of samples: a difference under this is binary fractions, not a sample (0.8 − 0.1 > 0.7 in float64). */
const ROUNDING = 1e-9;

/**
 * Whether a candidate may replace the published model: on every suite that the gate names, its score may fall short by
 * the margin at most. With nothing published it passes. Suites are judged one by one, never averaged.
 *
 * @throws RegraftError GATE_UNLIKE_COMPARISON when a suite or harness differs from what the published model was scored
 * with: such numbers are never compared.
 */
export function judgeGate(
  candidate: EvaluatedStep,
  published: PublishedModel | null,
  gate: LineageSpec['gate'],
): GateDecision {
  const margins = Object.entries(gate?.nonInferior ?? {});
  const checks = margins.map(([suite, margin]) => checkSuite(suite, margin, candidate, published));
  const failed = checks.filter((check) => !check.pass);
  const decision = failed.length === 0 ? 'pass' : 'reject';
  return {
    decision,
    against: published?.candidateDigest ?? null,
    checks,
    sentence: sentenceOf(checks, failed, published),
  };
}

function checkSuite(
  suite: string,
  margin: number,
  candidate: EvaluatedStep,
  published: PublishedModel | null,
): GateCheck {
  const mine = scoreOn(suite, candidate.suites, 'the candidate');
  if (published === null) return { suite, candidate: mine.score, published: null, margin, pass: true };
  const theirs = scoreOn(suite, published.suites, 'the published model');
  if (mine.suiteDigest !== theirs.suiteDigest || mine.harness !== theirs.harness) {
    throw new RegraftError(
      'GATE_UNLIKE_COMPARISON',
      `Suite \`${suite}\`: the candidate was scored with suite ${mine.suiteDigest.slice(0, 12)} by ${mine.harness}, the published model with ${theirs.suiteDigest.slice(0, 12)} by ${theirs.harness}; score the published model anew before comparing.`,
      { details: { suite } },
    );
  }
  return {
    suite,
    candidate: mine.score,
    published: theirs.score,
    margin,
    pass: mine.score >= theirs.score - margin - ROUNDING,
  };
}

function scoreOn(suite: string, scores: readonly SuiteScore[], whose: string): SuiteScore {
  const found = scores.find((score) => score.suite === suite);
  if (found !== undefined) return found;
  throw new RegraftError(
    'GATE_SUITE_MISSING',
    `Suite \`${suite}\`: ${whose} has no score on it, found only ${scores.map((score) => score.suite).join(', ')}; evaluate it or take the suite out of the gate.`,
    { details: { suite } },
  );
}

function sentenceOf(
  checks: readonly GateCheck[],
  failed: readonly GateCheck[],
  published: PublishedModel | null,
): string {
  if (published === null) return 'passed: nothing is published yet';
  if (checks.length === 0) return 'passed: the gate names no suite';
  const say = (check: GateCheck): string =>
    `${check.suite} ${check.candidate.toFixed(3)} against ${(check.published ?? 0).toFixed(3)} of ${published.release}, margin ${String(check.margin)}`;
  return failed.length === 0 ? `passed: ${checks.map(say).join('; ')}` : `rejected: ${failed.map(say).join('; ')}`;
}
