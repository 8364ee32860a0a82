import type { ApprovalDecision } from '../../contracts/gate.schema.ts';
import type { ArmState, LineageState, Order } from '../../contracts/lineage-state.ts';
import { changeArm, entryOf, findRelease, withLog } from './state.ts';
import type { Fitness } from './orders.ts';

/** Whether a decision about a release's candidate can be taken: it waits for one, or has that very one already. */
export function fitsDecision(state: LineageState, release: string, decision: ApprovalDecision['decision']): Fitness {
  const arm = productionArm(state, release);
  const taken = arm?.result?.approval ?? arm?.approval;
  if (taken !== undefined) return taken.decision === decision ? 'done' : 'refused';
  return arm?.status === 'running' && arm.stage === 'approval' ? 'fits' : 'refused';
}

/** Takes a person's decision. The same one again changes nothing. */
export function decideApproval(
  state: LineageState,
  release: string,
  decision: 'approved' | 'rejected',
  order: Order,
  at: string,
): LineageState {
  const arm = productionArm(state, release);
  if (arm === undefined || fitsDecision(state, release, decision) !== 'fits') return state;
  const { actor, reason } = order;
  const decided = changeArm(state, release, arm.arm, (current) => ({
    ...current,
    approval: { decision, actor, reason, at },
  }));
  return withLog(decided, entryOf(order, at, `${decision === 'approved' ? 'approve' : 'reject'} ${release}`));
}

function productionArm(state: LineageState, release: string): ArmState | undefined {
  return findRelease(state, release)?.arms[0];
}
