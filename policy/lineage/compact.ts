import type { Arm } from '../../contracts/lineage-spec.schema.ts';
import type { ReleaseState } from '../../contracts/lineage-state.ts';
import { deltaResultOf } from '../arm-result.ts';

/** Concluded releases, newest first, of which everything is kept. */
const KEPT_WHOLE = 20;

/**
 * Forgets what the arms of releases long past did: it is in their records. The newest that left a Δ of each arm is kept
 * however old it is, for the next release may start from it; so are those before a release that has still to run. So a
 * state grows by some 500 bytes a release.
 *
 * @param releases in family order
 */
export function compactReleases(releases: readonly ReleaseState[]): readonly ReleaseState[] {
  const carried = new Set<Arm>();
  let concluded = 0;
  const kept = [...releases].reverse().map((entry) => {
    if (entry.concludedAt === null) {
      carried.clear(); // it starts from the newest before it, which may be long past
      return entry;
    }
    concluded += 1;
    const fresh = entry.arms.filter(({ arm }) => !carried.has(arm) && deltaResultOf(arm, entry.arms) !== null);
    for (const { arm } of fresh) carried.add(arm);
    return concluded <= KEPT_WHOLE || fresh.length > 0 || entry.arms.length === 0 ? entry : { ...entry, arms: [] };
  });
  return kept.reverse();
}
