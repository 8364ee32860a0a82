import type { DeltaSource } from '../contracts/delta-source.ts';
import type { Arm, LineageSpec } from '../contracts/lineage-spec.schema.ts';
import type { ArmState, ReleaseState } from '../contracts/lineage-state.ts';
import { chooseSource } from './choose-source.ts';

/**
 * The arms of one release: production first, then controls, and the plain branch that `direct` needs for its next Δ.
 * Arms that would start from the same model are one piece of work: the first does it, the others share it (direct and
 * iterative at the second release, all three at the first).
 */
export function planArms(
  spec: Pick<LineageSpec, 'strategy' | 'controls'>,
  earlier: readonly ReleaseState[],
): readonly ArmState[] {
  const planned: ArmState[] = [];
  for (const arm of armsOf(spec)) {
    const { source, reason } = chooseSource(arm, earlier);
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

/** Arms train alike from the same model; what `auto` does with a Δ shows only when it has measured. */
function isSameWork(arm: Arm, source: DeltaSource | null, other: Arm, others: DeltaSource | null): boolean {
  if (source?.deltaDigest !== others?.deltaDigest) return false;
  return source === null || (arm !== 'auto' && other !== 'auto');
}

/** Production first, then the declared controls in a fixed order, then what `direct` cannot do without. */
export function armsOf(spec: Pick<LineageSpec, 'strategy' | 'controls'>): readonly Arm[] {
  const wanted = new Set<Arm>([spec.strategy, ...spec.controls]);
  if (wanted.has('direct')) wanted.add('plain');
  const order: readonly Arm[] = ['auto', 'iterative', 'direct', 'plain'];
  return [spec.strategy, ...order.filter((arm) => arm !== spec.strategy && wanted.has(arm))];
}
