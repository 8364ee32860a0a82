import { condition } from '@temporalio/workflow';
import { secondsOf } from '../../contracts/duration.ts';
import type { ApprovalDecision, ApprovalSpec } from '../../contracts/gate.schema.ts';

/** Where a candidate that passed waits for a person. The first decision counts, whoever makes it. */
export class ApprovalDesk {
  #decision: ApprovalDecision | null = null;

  /** Null: none yet. */
  get decision(): ApprovalDecision | null {
    return this.#decision;
  }

  decide(decision: ApprovalDecision): void {
    this.#decision ??= decision;
  }

  /** Waits for a decision, or takes the declared one when its time is up. */
  async wait(spec: ApprovalSpec): Promise<void> {
    const decided = (): boolean => this.#decision !== null;
    if (spec === 'manual') return condition(decided);
    if (await condition(decided, secondsOf(spec.timeout) * 1000)) return;
    this.decide({
      decision: spec.otherwise === 'approve' ? 'approved' : 'rejected',
      actor: 'regraft',
      reason: `nobody decided within ${spec.timeout}`,
      at: new Date().toISOString(),
    });
  }
}
