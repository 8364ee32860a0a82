import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RUN_STAGES, type RunStage } from '../../contracts/run.ts';
import { nextRunStage, type RunProgress } from '../../policy/next-run-stage.ts';

/** A production run with a Δ that probes, decides by measurement, and asks a person. */
const EVERYTHING = {
  ...{ production: true, hasSource: true, probes: true, decides: true },
  ...{ transferOnly: false, asks: true, withheld: false, superseded: false },
};

/** How a run's decisions come out, each once its stage is done. */
interface Outcomes {
  readonly gate?: NonNullable<RunProgress['gate']>;
  readonly choice?: NonNullable<RunProgress['choice']>;
  readonly approval?: NonNullable<RunProgress['approval']>;
}

/** Runs to the end. */
function walk(
  run: Partial<RunProgress>,
  { gate = 'pass', choice = 'finetune', approval = 'approved' }: Outcomes = {},
): readonly RunStage[] {
  const done: RunStage[] = [];
  const once = <Decision>(stage: RunStage, decision: Decision): Decision | null =>
    done.includes(stage) ? decision : null;
  for (;;) {
    const decided = { gate: once('gate', gate), choice: once('decide', choice), approval: once('approval', approval) };
    const stage = nextRunStage({ ...EVERYTHING, ...decided, done, ...run });
    if (stage === null) return done;
    done.push(stage);
  }
}

const allBut = (...left: readonly RunStage[]): readonly RunStage[] =>
  RUN_STAGES.filter((stage) => !left.includes(stage));

describe('nextRunStage', () => {
  it('takes a production run with a Δ through every stage in order', () => {
    expect(walk({})).toEqual(RUN_STAGES);
  });

  it('neither recycles nor probes without a Δ', () => {
    expect(walk({ hasSource: false, decides: false })).toEqual(allBut('recycle', 'probe', 'decide'));
  });

  it('records a rejected candidate, asks nobody about it and never publishes it', () => {
    expect(walk({}, { gate: 'reject' })).toEqual(allBut('approval', 'publish'));
  });

  it('neither judges nor publishes a control arm', () => {
    const stages = walk({ production: false, probes: false, decides: false });
    expect(stages).toEqual(['inspect', 'recycle', 'baseline', 'finetune', 'difference', 'record']);
  });

  it('trains nothing when the merge is good enough as it is', () => {
    expect(walk({}, { choice: 'publish-merge' })).toEqual(allBut('finetune'));
  });

  it('leaves no Δ and publishes nothing when the release is skipped', () => {
    const stages = walk({}, { choice: 'skip' });
    expect(stages).toEqual(['inspect', 'recycle', 'baseline', 'probe', 'decide', 'record']);
  });

  it('asks nobody where no approval is declared', () => {
    expect(walk({ asks: false })).toEqual(allBut('approval'));
  });

  it.each(['rejected', 'superseded'] as const)(
    'records a candidate that was %s at the desk, and no more',
    (approval) => {
      expect(walk({}, { approval })).toEqual(allBut('publish'));
    },
  );

  it('waits for a decision before it publishes: none is no yes', () => {
    const done = allBut('approval', 'publish', 'record');
    const waiting = { ...EVERYTHING, choice: 'finetune', gate: 'pass', approval: null } as const;
    expect(nextRunStage({ ...waiting, done })).toBe('approval');
    expect(nextRunStage({ ...waiting, done: [...done, 'approval'] })).toBe('record');
  });

  it('judges what is withheld, but neither asks about it nor publishes it', () => {
    expect(walk({ withheld: true })).toEqual(allBut('approval', 'publish'));
    expect(walk({ withheld: true, asks: false })).toEqual(allBut('approval', 'publish'));
  });

  it('keeps the Δ of a training that was superseded, and does not judge it', () => {
    expect(walk({ superseded: true })).toEqual(allBut('gate', 'approval', 'publish'));
  });

  it('of transfer-only adds the Δ, judges the merge and takes no difference: its Δ is the one there was', () => {
    expect(walk({ transferOnly: true, probes: false, decides: false })).toEqual(
      allBut('probe', 'decide', 'finetune', 'difference'),
    );
  });

  it('of transfer-only trains where there is no Δ yet', () => {
    expect(walk({ transferOnly: true, hasSource: false, probes: false, decides: false })).toEqual(
      allBut('recycle', 'probe', 'decide'),
    );
  });

  const progress = fc.record({
    production: fc.boolean(),
    hasSource: fc.boolean(),
    probes: fc.boolean(),
    decides: fc.boolean(),
    choice: fc.constantFrom('publish-merge' as const, 'finetune' as const, 'skip' as const, null),
    done: fc.subarray([...RUN_STAGES]),
    gate: fc.constantFrom('pass' as const, 'reject' as const, null),
    transferOnly: fc.boolean(),
    asks: fc.boolean(),
    approval: fc.constantFrom('approved' as const, 'rejected' as const, 'superseded' as const, null),
    withheld: fc.boolean(),
    superseded: fc.boolean(),
  });

  it('never names a stage that is done, and ends', () => {
    fc.assert(
      fc.property(progress, (run) => {
        expect(run.done).not.toContain(nextRunStage(run));
        expect(nextRunStage({ ...run, done: RUN_STAGES })).toBeNull();
      }),
    );
  });

  it('publishes only what passed, is not withheld, and was approved where a person has to', () => {
    fc.assert(
      fc.property(progress, (run) => {
        const done = allBut('publish', 'record');
        const publishes = nextRunStage({ ...run, done }) === 'publish';
        const approved = !run.asks || run.approval === 'approved';
        expect(publishes).toBe(run.gate === 'pass' && !run.withheld && approved);
      }),
    );
  });

  it('always ends with the record', () => {
    fc.assert(
      fc.property(progress, (run) => {
        expect(nextRunStage({ ...run, done: allBut('record') })).toBe('record');
      }),
    );
  });
});
