import { describe, expect, it } from 'vitest';
import type { EvaluatedStep } from '../../contracts/run-record.schema.ts';
import type { Arm } from '../../contracts/lineage-spec.schema.ts';
import { summarizeRelease, type ArmWithRecord } from '../../policy/summarize-release.ts';
import { digestOf, makeArm, makeRecord, makeStep } from '../support/lineage-values.ts';

/** Steps 0, 25, 50, 75 with these scores and losses. */
function curve(
  ...points: readonly (readonly [score: number, lossNats: number])[]
): [EvaluatedStep, ...EvaluatedStep[]] {
  const [first, ...rest] = points.map(([score, lossNats], index) => makeStep(index * 25, { score, lossNats }));
  if (first === undefined) throw new Error('a curve needs a point');
  return [first, ...rest];
}

function arm(name: Arm, evaluations: [EvaluatedStep, ...EvaluatedStep[]], steps = 0): ArmWithRecord {
  const source = { deltaDigest: digestOf('delta'), fromRelease: 'M1', fromArm: name, steps };
  return {
    arm: makeArm({ arm: name, status: 'succeeded', source: steps === 0 ? null : source }),
    recordDigest: digestOf(name),
    record: { ...makeRecord(evaluations), arm: name },
  };
}

const PLAIN_AT_75 = { kind: 'plain', release: 'M2', score: 0.8, steps: 75 };
const plain = arm('plain', curve([0, 4], [0.4, 2], [0.6, 1], [0.8, 0.5]));

describe('summarizeRelease', () => {
  it('measures every arm against where plain fine-tuning ends', () => {
    const iterative = arm('iterative', curve([0.5, 1.5], [0.8, 0.6], [0.9, 0.5], [0.95, 0.2]), 150);
    const summary = summarizeRelease([iterative, plain], null);
    expect(summary).toEqual([
      {
        arm: 'iterative',
        sharedWith: null,
        recordDigest: digestOf('iterative'),
        target: { reference: PLAIN_AT_75, steps: 25, saving: 1 - 25 / 75 },
        stepsToTargetLoss: 50,
        stepsCarried: 150,
      },
      {
        arm: 'plain',
        sharedWith: null,
        recordDigest: digestOf('plain'),
        target: { reference: PLAIN_AT_75, steps: 75, saving: 0 },
        stepsToTargetLoss: 75,
        stepsCarried: 0,
      },
    ]);
  });

  it('counts step 0 as an arrival: everything is saved', () => {
    const [summary] = summarizeRelease([arm('iterative', curve([0.9, 0.1], [0.95, 0.1]), 1), plain], null);
    expect(summary).toMatchObject({ target: { steps: 0, saving: 1 }, stepsToTargetLoss: 0 });
  });

  it('leaves an arm that never arrives without steps or saving', () => {
    const [summary] = summarizeRelease([arm('direct', curve([0.1, 4], [0.2, 3])), plain], null);
    const target = { reference: PLAIN_AT_75, steps: null, saving: null };
    expect(summary).toMatchObject({ target, stepsToTargetLoss: null });
  });

  it('has no target, and so no numbers, with neither a plain arm nor a release before', () => {
    const [summary] = summarizeRelease([arm('iterative', curve([0.5, 1]), 7)], null);
    expect(summary).toMatchObject({ target: null, stepsToTargetLoss: null });
    expect(summary?.stepsCarried).toBe(7);
  });

  it('holds the arms against the release before, and says so, without a plain arm', () => {
    const before = {
      ...makeRecord(curve([0.1, 3], [0.7, 1], [0.6, 1])),
      release: { name: 'M1', digest: digestOf('M1') },
    };
    const [summary] = summarizeRelease([arm('iterative', curve([0.5, 2], [0.5, 1], [0.65, 0.5]), 7)], before);
    const reference = { kind: 'previous', release: 'M1', score: 0.6, steps: 25 };
    expect(summary).toMatchObject({ target: { reference, steps: 50, saving: -1 }, stepsToTargetLoss: null });
  });

  it('compares with nothing that was scored on another suite', () => {
    const before = makeRecord([makeStep(0, { suiteDigest: digestOf('another suite') })]);
    const [summary] = summarizeRelease([arm('iterative', curve([0.5, 2]), 7)], before);
    expect(summary?.target).toBeNull();
  });

  it('takes an arm that shared the work of another as that work', () => {
    const shared: ArmWithRecord = {
      ...plain,
      arm: makeArm({ arm: 'plain', status: 'shared', sharedWith: 'iterative' }),
    };
    const leader = { ...plain, arm: makeArm({ arm: 'iterative', status: 'succeeded' }) };
    expect(
      summarizeRelease([leader, shared], null).map(({ target, sharedWith }) => [target?.saving, sharedWith]),
    ).toEqual([
      [0, null],
      [0, 'iterative'],
    ]);
  });

  it('finds nothing to say about no arms', () => {
    expect(summarizeRelease([], null)).toEqual([]);
  });
});
