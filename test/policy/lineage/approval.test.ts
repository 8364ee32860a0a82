import { describe, expect, it } from 'vitest';
import type { LineageState } from '../../../contracts/lineage-state.ts';
import { decideApproval, fitsDecision } from '../../../policy/lineage/approval.ts';
import { endArm, enterStage, startRelease } from '../../../policy/lineage/life.ts';
import { retryRelease } from '../../../policy/lineage/orders.ts';
import { AT } from '../../support/lineage-values.ts';
import { ADA, armAt, FAILED, lineageOf, runRelease, succeeded } from '../../support/lineages.ts';

const started = startRelease(lineageOf(2, { controls: ['plain'] }), 'M1');
const asking = enterStage(started, 'M1', 'iterative', 'approval');
const approved = decideApproval(asking, 'M1', 'approved', ADA, AT);
const rejected = decideApproval(asking, 'M1', 'rejected', ADA, AT);
const timedOut = { decision: 'rejected', actor: 'regraft', reason: 'nobody decided within 2h', at: AT } as const;

describe('fitsDecision', () => {
  it.each<[string, LineageState, string, string]>([
    ['waits for one', asking, 'fits', 'fits'],
    ['was approved', approved, 'done', 'refused'],
    ['was rejected', rejected, 'refused', 'done'],
    ['is in another stage', enterStage(asking, 'M1', 'iterative', 'publish'), 'refused', 'refused'],
    ['has not begun', started, 'refused', 'refused'],
    ['ended without being asked about', endArm(asking, 'M1', 'iterative', succeeded()), 'refused', 'refused'],
    [
      'was rejected for want of a decision',
      endArm(asking, 'M1', 'iterative', succeeded({ approval: timedOut })),
      'refused',
      'done',
    ],
    [
      'was rejected for want of one just before a person decided',
      endArm(approved, 'M1', 'iterative', succeeded({ approval: timedOut })),
      'refused',
      'done',
    ],
    ['failed while it waited', endArm(asking, 'M1', 'iterative', FAILED), 'refused', 'refused'],
  ])('of a candidate that %s', (_how, state, approve, reject) => {
    expect(fitsDecision(state, 'M1', 'approved')).toBe(approve);
    expect(fitsDecision(state, 'M1', 'rejected')).toBe(reject);
  });

  it('refuses what is said of a release that waits, or is not known', () => {
    expect(fitsDecision(asking, 'M2', 'approved')).toBe('refused');
    expect(fitsDecision(asking, 'M9', 'approved')).toBe('refused');
  });

  it('asks about the production arm only', () => {
    const control = enterStage(started, 'M1', 'plain', 'approval');
    expect(fitsDecision(control, 'M1', 'approved')).toBe('refused');
  });

  it('asks again about a release that is tried again', () => {
    const failed = endArm(approved, 'M1', 'iterative', FAILED);
    const again = startRelease(retryRelease(runRelease(failed, 'M1', FAILED), 'M1', ADA, AT), 'M1');
    expect(fitsDecision(enterStage(again, 'M1', 'iterative', 'approval'), 'M1', 'rejected')).toBe('fits');
  });
});

describe('decideApproval', () => {
  it.each([
    ['approved', 'approve M1', approved],
    ['rejected', 'reject M1', rejected],
  ] as const)('notes that a candidate was %s, by whom and why', (decision, what, state) => {
    expect(armAt(state, 'M1', 'iterative').approval).toEqual({ decision, ...ADA, at: AT });
    expect(state.log).toEqual([{ ...ADA, at: AT, what }]);
  });

  it('changes nothing when it is said again, or when the other was said', () => {
    const bob = { actor: 'bob', reason: 'I think so too' };
    expect(decideApproval(approved, 'M1', 'approved', bob, 'later')).toBe(approved);
    expect(decideApproval(approved, 'M1', 'rejected', bob, 'later')).toBe(approved);
    expect(decideApproval(asking, 'M9', 'approved', bob, 'later')).toBe(asking);
  });
});
