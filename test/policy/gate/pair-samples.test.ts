import { describe, expect, it } from 'vitest';
import { RegraftError } from '../../../contracts/error.ts';
import type { GateEvaluation } from '../../../contracts/gate.schema.ts';
import { digestOf } from '../../support/lineage-values.ts';
import { judge, makeEvaluation, makeReference } from './gate-values.ts';

const NOT_WORSE = { nonInferior: { sums: 0.02 } };
const code = (wanted: string): Error => expect.objectContaining({ code: wanted, retryable: false }) as Error;

describe('what is not comparable', () => {
  const outcomes = [1, 0, 1];
  const judged =
    (candidate: GateEvaluation, reference: GateEvaluation): (() => unknown) =>
    () =>
      judge(NOT_WORSE, { sums: candidate }, makeReference('published', { sums: reference }));
  const renamed = (id: string): GateEvaluation => {
    const evaluation = makeEvaluation(outcomes);
    return {
      ...evaluation,
      samples: evaluation.samples.map((sample, index) => (index === 1 ? { ...sample, id } : sample)),
    };
  };

  it.each([
    ['suite', makeEvaluation(outcomes, { suiteDigest: digestOf('another') }), digestOf('another').slice(0, 12)],
    ['harness', makeEvaluation(outcomes, { harnessDigest: digestOf('another') }), digestOf('another').slice(0, 12)],
    ['unit', makeEvaluation(outcomes, { unit: 'nats' }), 'outcomes in nats'],
    ['sample', renamed('other'), 'has sample `s1`'],
    ['number of samples', makeEvaluation([...outcomes, 1]), 'lacks sample `s3`'],
    ['sample twice', renamed('s0'), 'has sample `s1`'],
    [
      'weight',
      makeEvaluation(outcomes, { weights: [1, 2, 1] }),
      'counts sample `s1` 1 times, the published M1 2 times',
    ],
  ])('refuses an unlike %s, naming both', (_what, reference, named) => {
    const run = judged(makeEvaluation(outcomes), reference);
    expect(run).toThrow(RegraftError);
    expect(run).toThrow(code('GATE_UNLIKE_COMPARISON'));
    expect(run).toThrow(named);
    expect(run).toThrow('the candidate');
    expect(run).toThrow('the published M1');
  });

  it('refuses a sample twice in the candidate', () => {
    const twice = makeEvaluation(outcomes);
    const doubled = { ...twice, samples: [...twice.samples, twice.samples[0]!] };
    expect(judged(doubled, twice)).toThrow(code('GATE_UNLIKE_COMPARISON'));
    expect(judged(twice, doubled)).toThrow(code('GATE_UNLIKE_COMPARISON'));
  });

  it.each([
    ['the candidate', { words: makeEvaluation(outcomes) }, { sums: makeEvaluation(outcomes) }],
    ['the published M1', { sums: makeEvaluation(outcomes) }, { words: makeEvaluation(outcomes) }],
  ])('refuses a suite that %s has no score on, and names those it has', (whose, candidate, reference) => {
    const run = (): unknown => judge(NOT_WORSE, candidate, makeReference('published', reference));
    expect(run).toThrow(code('GATE_SUITE_MISSING'));
    expect(run).toThrow(
      `Suite \`sums\`: ${whose} has no score on it, found only words; evaluate it or take the suite out of the gate.`,
    );
  });

  it('refuses a floor on a suite that was not scored', () => {
    expect(() => judge({ floors: { sums: 0.5 } }, {})).toThrow('found none at all');
  });

  it.each([[NaN], [Infinity], [1.5], [-0.1]])('refuses the outcome %d where shares are counted', (outcome) => {
    expect(judged(makeEvaluation([1, outcome, 0]), makeEvaluation(outcomes))).toThrow(code('GATE_OUTCOME_INVALID'));
    expect(judged(makeEvaluation(outcomes), makeEvaluation([1, outcome, 0]))).toThrow('sample `s1`');
  });
});
