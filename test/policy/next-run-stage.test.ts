import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RUN_STAGES, type RunStage } from '../../contracts/run.ts';
import { nextRunStage, type RunProgress } from '../../policy/next-run-stage.ts';

/** Runs to the end; the gate decides when its stage is done. */
function walk(run: Pick<RunProgress, 'production' | 'hasSource'>, decision: 'pass' | 'reject'): readonly RunStage[] {
  const done: RunStage[] = [];
  for (;;) {
    const gate = done.includes('gate') ? decision : null;
    const stage = nextRunStage({ ...run, done, gate });
    if (stage === null) return done;
    done.push(stage);
  }
}

describe('nextRunStage', () => {
  it('takes a production run with a Δ through every stage in order', () => {
    expect(walk({ production: true, hasSource: true }, 'pass')).toEqual(RUN_STAGES);
  });

  it('does not recycle without a Δ', () => {
    const stages = walk({ production: true, hasSource: false }, 'pass');
    expect(stages).toEqual(RUN_STAGES.filter((stage) => stage !== 'recycle'));
  });

  it('records a rejected candidate and never publishes it', () => {
    const stages = walk({ production: true, hasSource: true }, 'reject');
    expect(stages).toEqual(RUN_STAGES.filter((stage) => stage !== 'publish'));
  });

  it('neither judges nor publishes a control arm', () => {
    const stages = walk({ production: false, hasSource: true }, 'pass');
    expect(stages).toEqual(['inspect', 'recycle', 'baseline', 'finetune', 'difference', 'record']);
  });

  it('never names a stage that is done, and ends', () => {
    const progress = fc.record({
      production: fc.boolean(),
      hasSource: fc.boolean(),
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
