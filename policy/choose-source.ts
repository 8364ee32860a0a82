import type { DeltaSource } from '../contracts/delta-source.ts';
import type { Arm } from '../contracts/lineage-spec.schema.ts';
import type { ReleaseState } from '../contracts/lineage-state.ts';
import { resultOf } from './arm-result.ts';

/** The arm whose Δ a strategy carries: direct takes plain's, iterative its own (paper, Algorithm 1 and section 6.1). */
const CARRIES: Readonly<Record<Arm, Arm | null>> = {
  plain: null,
  direct: 'plain',
  iterative: 'iterative',
  auto: 'auto',
};

export interface ChosenSource {
  readonly source: DeltaSource | null;
  /** One sentence for people. */
  readonly reason: string;
}

/**
 * Which Δ an arm starts from at a release, with the whole history as input: the newest earlier release whose carrying
 * arm succeeded, over however long a gap; the base itself when there is none. A failed or cancelled release never breaks
 * the chain.
 *
 * @param earlier releases before this one in family order, oldest first.
 */
export function chooseSource(arm: Arm, earlier: readonly ReleaseState[]): ChosenSource {
  const carried = CARRIES[arm];
  if (carried === null) return { source: null, reason: 'plain starts from the base itself' };
  let gap = 0;
  for (const past of [...earlier].reverse()) {
    const source = deltaOf(carried, past);
    if (source !== null) {
      const skipped = gap === 0 ? '' : `, over ${String(gap)} release${gap === 1 ? '' : 's'} without one`;
      return { source, reason: `Δ of ${source.fromRelease}'s ${carried} arm, the newest that succeeded${skipped}` };
    }
    gap += 1;
  }
  return {
    source: null,
    reason:
      earlier.length === 0
        ? 'the first release has no earlier Δ: it starts from the base itself'
        : `no earlier release has a Δ of its ${carried} arm: it starts from the base itself`,
  };
}

/** The Δ that `arm` left at a release, or handed on, whichever arm did the work. */
function deltaOf(arm: Arm, past: ReleaseState): DeltaSource | null {
  const result = resultOf(arm, past.arms);
  if (result === null) return null;
  if (result.handsOn !== undefined) return result.handsOn;
  return {
    deltaDigest: result.deltaDigest,
    fromRelease: past.release.name,
    fromArm: arm,
    steps: result.stepsInDelta,
  };
}
