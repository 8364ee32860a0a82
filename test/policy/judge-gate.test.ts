import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RegraftError } from '../../contracts/error.ts';
import type { PublishedModel } from '../../contracts/run.ts';
import type { SuiteScore } from '../../contracts/run-record.schema.ts';
import { judgeGate } from '../../policy/judge-gate.ts';
import { digestOf, makeScore, makeStep } from '../support/lineage-values.ts';

const published = (...scores: readonly Partial<SuiteScore>[]): PublishedModel => ({
  release: 'M1',
  candidateDigest: digestOf('live'),
  suites: scores.map(makeScore),
});
const gate = (nonInferior: Record<string, number>): { against: 'published'; nonInferior: Record<string, number> } => ({
  against: 'published',
  nonInferior,
});

describe('judgeGate', () => {
  it.each([
    ['better', 0.9, 0.8, 0, 'pass'],
    ['equal, without a margin', 0.8, 0.8, 0, 'pass'],
    ['a little worse, within the margin', 0.75, 0.8, 0.1, 'pass'],
    ['worse by more than the margin', 0.69, 0.8, 0.1, 'reject'],
    ['worse without a margin', 0.79, 0.8, 0, 'reject'],
  ])('judges a candidate that is %s', (_claim, mine, theirs, margin, decision) => {
    const judged = judgeGate(makeStep(100, { score: mine }), published({ score: theirs }), gate({ sums: margin }));
    expect(judged.decision).toBe(decision);
    expect(judged.against).toBe(digestOf('live'));
    expect(judged.checks).toEqual([
      { suite: 'sums', candidate: mine, published: theirs, margin, pass: decision === 'pass' },
    ]);
  });

  it('passes a candidate that falls short by the margin exactly, whatever binary fractions make of it', () => {
    const percent = fc.integer({ min: 0, max: 100 });
    fc.assert(
      fc.property(percent, percent, (theirs, margin) => {
        fc.pre(margin <= theirs);
        const judge = (score: number): string =>
          judgeGate(makeStep(1, { score }), published({ score: theirs / 100 }), gate({ sums: margin / 100 })).decision;
        expect(judge((theirs - margin) / 100)).toBe('pass');
        if (margin < theirs) expect(judge((theirs - margin) / 100 - 1e-6)).toBe('reject');
      }),
      { examples: [[80, 10]] },
    );
  });

  it('passes everything while nothing is published, and says so', () => {
    const judged = judgeGate(makeStep(0, { score: 0 }), null, gate({ sums: 0 }));
    expect(judged).toMatchObject({ decision: 'pass', against: null, sentence: 'passed: nothing is published yet' });
    expect(judged.checks).toEqual([{ suite: 'sums', candidate: 0, published: null, margin: 0, pass: true }]);
  });

  it('passes a lineage without a gate', () => {
    expect(judgeGate(makeStep(1, { score: 0 }), published({ score: 1 }), undefined)).toMatchObject({
      decision: 'pass',
      checks: [],
      sentence: 'passed: the gate names no suite',
    });
  });

  it('judges suites one by one: a great one never pays for a bad one, and the sentence names the bad one only', () => {
    const candidate = makeStep(100, { score: 1 }, { suite: 'words', score: 0.5 });
    const judged = judgeGate(candidate, published({ score: 0.1 }, { suite: 'words', score: 0.7 }), {
      against: 'published',
      nonInferior: { sums: 0, words: 0.1 },
    });
    expect(judged.decision).toBe('reject');
    expect(judged.checks.map(({ pass }) => pass)).toEqual([true, false]);
    expect(judged.sentence).toBe('rejected: words 0.500 against 0.700 of M1, margin 0.1');
  });

  it.each([
    ['suite', { suiteDigest: digestOf('another suite') }],
    ['harness', { harness: 'onnx/2' }],
  ])('refuses to compare scores of an unlike %s', (_what, unlike) => {
    const judge = (): unknown => judgeGate(makeStep(1), published(unlike), gate({ sums: 1 }));
    expect(judge).toThrow(RegraftError);
    expect(judge).toThrow(expect.objectContaining({ code: 'GATE_UNLIKE_COMPARISON', retryable: false }) as Error);
  });

  it.each([
    ['the candidate', makeStep(1, { suite: 'words' }), published({})],
    ['the published model', makeStep(1), published({ suite: 'words' })],
  ])('refuses a suite that %s has no score on, and names those it has', (whose, candidate, live) => {
    expect(() => judgeGate(candidate, live, gate({ sums: 1 }))).toThrow(
      expect.objectContaining({
        code: 'GATE_SUITE_MISSING',
        message: `Suite \`sums\`: ${whose} has no score on it, found only words; evaluate it or take the suite out of the gate.`,
      }) as Error,
    );
  });
});
