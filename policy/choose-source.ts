import type { DeltaSource } from '../contracts/delta-source.ts';
import type { Arm } from '../contracts/lineage-spec.schema.ts';
import type { ReleaseState, Restart } from '../contracts/lineage-state.ts';
import { deltaResultOf } from './arm-result.ts';

/**
 * The arm whose Δ a strategy carries: direct takes plain's, iterative its own (paper, Algorithm 1 and section 6.1).
 * transfer-only hands its own on as it is, since it trains only where there is none.
 */
const CARRIES: Readonly<Record<Arm, Arm | null>> = {
  plain: null,
  direct: 'plain',
  iterative: 'iterative',
  auto: 'auto',
  'transfer-only': 'transfer-only',
};

export interface ChosenSource {
  readonly source: DeltaSource | null;
  /** One sentence for people. */
  readonly reason: string;
}

/**
 * Which Δ an arm starts from at a release, with the whole history as input: the newest earlier release whose carrying
 * arm left one (it succeeded, or ended early for a newer release), over however long a gap; the base itself when there is
 * none. A failed, rejected, cancelled or skipped release never breaks the chain; a restart does, because somebody asked.
 *
 * @param earlier releases before this one in family order, oldest first.
 * @param restart at this release or at one of those; what lies before it is not carried. Null: none.
 */
export function chooseSource(arm: Arm, earlier: readonly ReleaseState[], restart: Restart | null = null): ChosenSource {
  const carried = CARRIES[arm];
  if (carried === null) return { source: null, reason: 'plain starts from the base itself' };
  const from = restart === null ? 0 : earlier.findIndex(({ release }) => release.name === restart.release);
  let gap = 0;
  for (const past of (from < 0 ? [] : earlier.slice(from)).reverse()) {
    const source = deltaOf(carried, past);
    if (source !== null) {
      const newest = wasCutShort(carried, past)
        ? 'the newest, cut short by a newer release'
        : 'the newest that succeeded';
      const skipped = gap === 0 ? '' : `, over ${String(gap)} release${gap === 1 ? '' : 's'} without one`;
      return { source, reason: `Δ of ${source.fromRelease}'s ${carried} arm, ${newest}${skipped}` };
    }
    gap += 1;
  }
  return { source: null, reason: whyNone(carried, earlier, restart) };
}

function whyNone(carried: Arm, earlier: readonly ReleaseState[], restart: Restart | null): string {
  if (restart !== null) {
    const { actor, reason } = restart.order;
    return `${actor} asked for a restart (${reason}), and its ${carried} arm has left no Δ since: it starts from the base itself`;
  }
  if (earlier.some(isLongPast))
    return 'of releases long past only the newest Δ of each arm is kept at hand, and none is older than this one: it starts from the base itself';
  if (earlier.length === 0) return 'the first release has no earlier Δ: it starts from the base itself';
  return `no earlier release has a Δ of its ${carried} arm: it starts from the base itself`;
}

function wasCutShort(arm: Arm, { arms }: ReleaseState): boolean {
  return deltaResultOf(arm, arms)?.superseded === true;
}

/** What its arms did is in its record only. */
function isLongPast({ status, arms }: ReleaseState): boolean {
  return arms.length === 0 && (status === 'succeeded' || status === 'superseded');
}

/** The Δ that `arm` left at a release, or handed on, whichever arm did the work. */
export function deltaOf(arm: Arm, past: ReleaseState): DeltaSource | null {
  const result = deltaResultOf(arm, past.arms);
  if (result === null) return null;
  if (result.handsOn !== undefined) return result.handsOn;
  return {
    deltaDigest: result.deltaDigest,
    fromRelease: past.release.name,
    fromArm: arm,
    steps: result.stepsInDelta,
  };
}
