import type { GateCheck, ReferenceKind } from '../../contracts/gate.schema.ts';
import { sayAmount, sayConfidence, sayCount, sayDifference, sayScore, sayShare } from './say-amount.ts';
import { sayReference } from './say-reference.ts';

const ABSENT: Readonly<Record<ReferenceKind, string>> = {
  published: 'nothing is published yet',
  base: 'the base was not evaluated',
  plain: 'there is no plain arm at this release',
  previous: 'there is no previous release',
};

/** The decision in one sentence: what it rests on or what stood in the way, with the numbers, and what was not compared. */
export function sayDecision(checks: readonly GateCheck[], absent: readonly ReferenceKind[]): string {
  const missing = absent.map((kind) => ABSENT[kind]);
  const failed = checks.filter(({ pass }) => !pass);
  if (failed.length > 0) {
    const reasons = failed.map(({ sentence }) => sentence.replace(/\.$/, ''));
    return [`rejected: ${reasons.join(' · ')}`, ...sayOthers(checks.length - failed.length), ...missing].join('; ');
  }
  if (checks.length === 0) return `passed: ${missing.length > 0 ? missing.join('; ') : 'the gate names no suite'}`;
  return `passed: ${[...checks.map(sayBriefly), ...missing].join('; ')}`;
}

function sayOthers(count: number): readonly string[] {
  return count === 0 ? [] : [`${String(count)} other ${count === 1 ? 'check' : 'checks'} passed`];
}

/** A check that passed. */
function sayBriefly(check: GateCheck): string {
  const { suite, rule, unit, margin, interval, flips, samples } = check;
  const score = `${suite} ${sayScore(check.candidate, unit)}`;
  const against = `${score} against ${sayScore(check.referenceScore ?? NaN, unit)} of ${sayReference(check.reference)}`;
  const sure = sayConfidence(1 - (check.adjustedAlpha ?? 0));
  const low = `at least ${sayDifference(interval.low ?? NaN, unit)}, ${sure} sure`;
  switch (rule) {
    case 'nonInferior':
      return `${against} (${low}; −${sayAmount(margin, unit)} is allowed)`;
    case 'superior':
      return `${against} (${low}; more than ${sayAmount(margin, unit)} is asked for)`;
    case 'floor':
      return `${score}, floor ${sayScore(margin, unit)}`;
    case 'negativeFlips':
      return `${suite} ${sayCount(flips?.negative ?? 0)} negative flips in ${sayCount(samples)}, cap ${sayShare(margin)}`;
  }
}
