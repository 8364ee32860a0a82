import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RUN_STAGES, type RunStage } from '../../contracts/run.ts';
import { nextRunStage, type RunProgress } from '../../policy/next-run-stage.ts';

const EVERYTHING = { production: true, hasSource: true, probes: true, decides: true };

/** Runs to the end; the gate decides when its stage is done. */
function walk(
  run: Partial<RunProgress>,
  decision: 'pass' | 'reject',
  chosen: NonNullable<RunProgress['choice']> = 'finetune',
): readonly RunStage[] {
  const done: RunStage[] = [];
  for (;;) {
    const gate = done.includes('gate') ? decision : null;
    const choice = done.includes('decide') ? chosen : null;
    const stage = nextRunStage({ ...EVERYTHING, ...run, done, gate, choice });
    if (stage === null) return done;
    done.push(stage);
  }
}

describe('nextRunStage', () => {
  it('takes a production run with a Δ through every stage in order', () => {
    expect(walk({}, 'pass')).toEqual(RUN_STAGES);
  });

  it('neither recycles nor probes without a Δ', () => {
    const stages = walk({ hasSource: false, decides: false }, 'pass');
    expect(stages).toEqual(RUN_STAGES.filter((stage) => !['recycle', 'probe', 'decide'].includes(stage)));
  });

  it('records a rejected candidate and never publishes it', () => {
    const stages = walk({}, 'reject');
    expect(stages).toEqual(RUN_STAGES.filter((stage) => stage !== 'publish'));
  });

  it('neither judges nor publishes a control arm', () => {
    const stages = walk({ production: false, probes: false, decides: false }, 'pass');
    expect(stages).toEqual(['inspect', 'recycle', 'baseline', 'finetune', 'difference', 'record']);
  });

  it('trains nothing when the merge is good enough as it is', () => {
    const stages = walk({}, 'pass', 'publish-merge');
    expect(stages).toEqual(RUN_STAGES.filter((stage) => stage !== 'finetune'));
  });

  it('leaves no Δ and publishes nothing when the release is skipped', () => {
    expect(walk({}, 'pass', 'skip')).toEqual(['inspect', 'recycle', 'baseline', 'probe', 'decide', 'record']);
  });

  it('never names a stage that is done, and ends', () => {
    const progress = fc.record({
      production: fc.boolean(),
      hasSource: fc.boolean(),
      probes: fc.boolean(),
      decides: fc.boolean(),
      choice: fc.constantFrom('publish-merge' as const, 'finetune' as const, 'skip' as const, null),
      done: fc.subarray([...RUN_STAGES]),
      gate: fc.constantFrom('pass' as const, 'reject' as const, null),
    });
    fc.assert(
      fc.property(progress, (run) => {
        expect(run.done).not.toContain(nextRunStage(run));
        expect(nextRunStage({ ...run, done: RUN_STAGES })).toBeNull();
      }),
    );
  });
});
