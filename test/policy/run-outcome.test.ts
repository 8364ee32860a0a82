import { describe, expect, it } from 'vitest';
import { runRecordSchema } from '../../contracts/run-record.schema.ts';
import type { RunInput } from '../../contracts/run.ts';
import { deltaDigestOf, outcomeWord, recordOf, resultOf, type RunFacts } from '../../policy/run-outcome.ts';
import { AT, digestOf, makeDecision, makeRelease, makeSpec, makeStep } from '../support/lineage-values.ts';

const INPUT: RunInput = {
  v: 1,
  lineage: 'tiny-sums',
  release: makeRelease(2),
  arm: 'iterative',
  production: true,
  source: { deltaDigest: digestOf('old Δ'), fromRelease: 'M1', fromArm: 'iterative', steps: 100 },
  spec: makeSpec(),
  published: null,
  paused: false,
};
const EVALUATIONS = [makeStep(0, { score: 0.5 }), makeStep(50, { score: 0.9 }), makeStep(100, { score: 0.8 })] as const;
const FACTS: RunFacts = {
  startedAt: AT,
  startModelDigest: digestOf('start'),
  choice: null,
  connectivity: null,
  training: null,
  verdict: null,
  spent: null,
  evaluations: EVALUATIONS,
  delta: { deltaDigest: digestOf('new Δ'), norm: 2.5 },
  gate: makeDecision(),
  approval: null,
  cutShort: false,
  isLive: true,
  publications: [],
};
const APPROVAL = { actor: 'eve', reason: 'no', at: AT };

describe('what a run has come to', () => {
  it('is told of its best model, and of its last beside it', () => {
    const result = resultOf(INPUT, FACTS, digestOf('record'));
    expect(result).toMatchObject({
      recordDigest: digestOf('record'),
      candidateDigest: EVALUATIONS[1].modelDigest,
      best: { step: 50, score: 0.9 },
      final: { step: 100, score: 0.8 },
      stepsInDelta: 150,
      deltaNorm: 2.5,
      published: { release: 'M2', candidateDigest: EVALUATIONS[1].modelDigest },
    });
    expect(['superseded', 'approval', 'withheld', 'handsOn', 'spent'].filter((key) => key in result)).toEqual([]);
  });

  it('hands on the Δ that it started from where it leaves none of its own', () => {
    const facts = { ...FACTS, delta: null };
    expect(resultOf(INPUT, facts, '')).toMatchObject({ handsOn: INPUT.source, deltaDigest: digestOf('old Δ') });
    expect(recordOf(INPUT, facts, AT)).toMatchObject({ deltaNorm: null, deltaDigest: digestOf('old Δ') });
    expect(() => deltaDigestOf({ source: null }, { delta: null })).toThrow(RangeError);
  });

  it('says why a candidate that passed did not go live, and nothing of one that did not pass', () => {
    const withheld = { ...INPUT, withheld: 'M3 is live, which is newer than M2' };
    const facts = { ...FACTS, isLive: false };
    expect(resultOf(withheld, facts, '').withheld).toBe(withheld.withheld);
    expect(recordOf(withheld, facts, AT).withheld).toBe(withheld.withheld);
    const rejected = { ...facts, gate: makeDecision({ decision: 'reject' }) };
    expect(resultOf(withheld, rejected, '').withheld).toBeUndefined();
    expect(recordOf(withheld, rejected, AT).withheld).toBeNull();
  });

  it.each([
    ['live', {}],
    ['rejected', { isLive: false, gate: makeDecision({ decision: 'reject' }) }],
    ['rejected', { isLive: false, approval: { ...APPROVAL, decision: 'rejected' } }],
    ['withheld', { isLive: false }],
    ['superseded', { isLive: false, gate: null, cutShort: true }],
    ['superseded', { isLive: false, approval: { ...APPROVAL, decision: 'superseded' } }],
    ['done', { isLive: false, gate: null }],
  ] as const)('is %s in a word', (word, fields) => {
    const facts: RunFacts = { ...FACTS, ...fields };
    expect(outcomeWord(facts)).toBe(word);
    expect(resultOf(INPUT, facts, '').superseded ?? false).toBe(word === 'superseded');
    expect(recordOf(INPUT, facts, AT).superseded).toBe(word === 'superseded');
  });

  it('makes a record that can be read again', () => {
    const record = { schema: 'regraft.run/1', ...recordOf(INPUT, FACTS, AT), regraftVersion: '0.1.0' };
    expect(runRecordSchema.parse(JSON.parse(JSON.stringify(record)))).toEqual(record);
  });
});
