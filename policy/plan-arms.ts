import type { DeltaSource } from '../contracts/delta-source.ts';
import type { Arm, LineageSpec } from '../contracts/lineage-spec.schema.ts';
import type { ArmState, ReleaseState, Restart } from '../contracts/lineage-state.ts';
import { chooseSource } from './choose-source.ts';

/**
 * The arms of one release: production first, then controls, and the plain branch that `direct` needs for its next Δ.
 * Arms that would start from the same model are one piece of work: the first does it, the others share it (direct and
 * iterative at the second release, all three at the first).
 *
 * @param earlier releases before this one in family order, oldest first.
 * @param restart that this release has to heed; null: none.
 */
export function planArms(
  spec: ArmsSpec,
  earlier: readonly ReleaseState[],
  restart: Restart | null = null,
): readonly ArmState[] {
  const planned: ArmState[] = [];
  for (const arm of armsOf(spec, ranBefore(earlier))) {
    const { source, reason } = chooseSource(arm, earlier, restart);
    const leader = planned.find(
      (other) => other.status !== 'shared' && isSameWork(arm, source, other.arm, other.source),
    );
    planned.push({
      arm,
      status: leader === undefined ? 'waiting' : 'shared',
      sharedWith: leader?.arm ?? null,
      source,
      sourceReason: reason,
      stage: null,
      result: null,
      failure: null,
    });
  }
  return planned;
}

/** Releases that were worked on, whatever came of it. */
function ranBefore(earlier: readonly ReleaseState[]): number {
  return earlier.filter(({ status }) => status !== 'skipped' && status !== 'waiting').length;
}

/**
 * Arms train alike from the same model; what `auto` does with a Δ shows only when it has measured, and `transfer-only`
 * trains nothing where it has one.
 */
function isSameWork(arm: Arm, source: DeltaSource | null, other: Arm, others: DeltaSource | null): boolean {
  if (source?.deltaDigest !== others?.deltaDigest) return false;
  const trains = (one: Arm): boolean => one !== 'auto' && one !== 'transfer-only';
  return source === null || (trains(arm) && trains(other));
}

type ArmsSpec = Pick<LineageSpec, 'strategy' | 'controls' | 'controlsEvery'>;

/**
 * Production first, then the declared controls in a fixed order, then what `direct` cannot do without.
 *
 * @param place of the release among those that are worked on, from 0: where controls run every n-th time only.
 */
export function armsOf(spec: ArmsSpec, place = 0): readonly Arm[] {
  const controls = place % (spec.controlsEvery ?? 1) === 0 ? spec.controls : [];
  const wanted = new Set<Arm>([spec.strategy, ...controls]);
  if (wanted.has('direct')) wanted.add('plain');
  const order: readonly Arm[] = ['auto', 'iterative', 'direct', 'transfer-only', 'plain'];
  return [spec.strategy, ...order.filter((arm) => arm !== spec.strategy && wanted.has(arm))];
}
