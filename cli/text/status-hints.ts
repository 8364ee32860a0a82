import type { GateSpec } from '../../contracts/gate.schema.ts';
import type { LineageState, ReleaseState } from '../../contracts/lineage-state.ts';
import { rolledBackFrom } from './live-text.ts';

/**
 * What the user may want to do now, in the order of how much it presses.
 * @param shown the releases that the user sees
 */
export function hintsOf(state: LineageState, shown: readonly ReleaseState[]): readonly string[] {
  const { spec, paused, releases, advice, restart } = state;
  const { name } = spec;
  const ended = shown.filter(({ status }) => status === 'failed' || status === 'cancelled');
  const rolledBack = rolledBackFrom(state);
  return [
    ...shown.filter(asksForApproval).map((entry) => approvalHint(name, entry, spec.gate)),
    ...(paused === null ? [] : [`\`regraft resume ${name}\` lets it go on`]),
    ...ended.map(({ release }) => `\`regraft retry ${name} ${release.name}\` puts ${release.name} back in line`),
    ...(rolledBack === null
      ? []
      : [`\`regraft rollback ${name} --to ${rolledBack.release}\` makes ${rolledBack.release} live again`]),
    ...(advice === undefined || restart?.release === null ? [] : [advice]),
    ...(releases.length === 0 ? [] : [`\`regraft why ${name} RELEASE\` tells the story of one release`]),
  ];
}

/** Whether a candidate of a release waits for a person. */
export function asksForApproval({ status, arms }: ReleaseState): boolean {
  const [production] = arms;
  return status === 'running' && production?.status === 'running' && production.stage === 'approval';
}

/** What a person may decide about a release's candidate, and what is done when nobody does. */
export function approvalHint(lineage: string, { release }: ReleaseState, gate: GateSpec | undefined): string {
  const { name } = release;
  return `\`regraft approve ${lineage} ${name}\` lets ${name} go live, \`regraft reject ${lineage} ${name}\` keeps it back${otherwise(gate)}`;
}

function otherwise(gate: GateSpec | undefined): string {
  const approval = gate?.approval;
  if (approval === undefined || approval === 'manual') return '';
  const done = approval.otherwise === 'approve' ? 'approved' : 'rejected';
  return `; if nobody decides within ${approval.timeout}, it is ${done}`;
}
