import { isSameModel } from '../../contracts/is-same-model.ts';
import type { ArmState, LineageState, ReleaseState } from '../../contracts/lineage-state.ts';
import type { RunResult } from '../../contracts/run.ts';
import { rolledBackFrom } from '../text/live-text.ts';
import { approvalHint, asksForApproval } from '../text/status-hints.ts';
import { shortDigest } from '../text/words.ts';

/** What happened to a lineage between two looks at it, as lines for people; nothing when nothing did. */
export function describeChanges(before: LineageState | null, after: LineageState): readonly string[] {
  const lines = after.releases.flatMap((entry) => {
    const known = before?.releases.find(({ release }) => release.name === entry.release.name);
    return releaseChanges(after, known, entry);
  });
  return [...lines, ...liveChanges(before, after), ...pauseChanges(before, after)];
}

function liveChanges(before: LineageState | null, after: LineageState): readonly string[] {
  const { published } = after;
  const was = before?.published ?? null;
  if (published === null || (was !== null && isSameModel(was, published))) return [];
  const from = rolledBackFrom(after);
  const why = from === null ? '' : `, rolled back from ${from.release}`;
  return [`${published.release} is live: ${shortDigest(published.candidateDigest)}${why}`];
}

function pauseChanges(before: LineageState | null, { spec, paused }: LineageState): readonly string[] {
  if (paused === null || (before?.paused ?? null) !== null) return [];
  return [`paused by ${paused.actor}: ${paused.reason}; \`regraft resume ${spec.name}\` goes on`];
}

function releaseChanges(
  { spec }: LineageState,
  before: ReleaseState | undefined,
  after: ReleaseState,
): readonly string[] {
  const { name, digest } = after.release;
  const asks = asksForApproval(after) && !(before !== undefined && asksForApproval(before));
  return [
    ...(before === undefined ? [`${name} was released and is pinned as ${shortDigest(digest)}`] : []),
    ...after.arms.flatMap((arm) => armChanges(name, before, arm)),
    ...(asks ? [`${name} waits for approval: ${approvalHint(spec.name, after, spec.gate)}`] : []),
    ...(after.status === 'skipped' && before?.status !== 'skipped'
      ? [`${name} was skipped: ${after.note ?? 'no reason was kept'}`]
      : []),
  ];
}

function armChanges(name: string, before: ReleaseState | undefined, arm: ArmState): readonly string[] {
  const known = before?.arms.find((other) => other.arm === arm.arm);
  const end = known?.status === arm.status ? null : endOf(arm);
  return [
    ...(known === undefined ? [`${name} ${arm.arm} ${startOf(arm)}`] : []),
    ...(end === null ? [] : [`${name} ${arm.arm} ${end}`]),
  ];
}

function startOf(arm: ArmState): string {
  if (arm.sharedWith !== null) return `starts from the same model as ${arm.sharedWith}, which does the work for both`;
  return `starts from ${arm.source === null ? 'the base' : `base + Δ of ${arm.source.fromRelease}`}`;
}

function endOf({ status, result, failure }: ArmState): string | null {
  if (status === 'superseded') return `was superseded${result === null ? '' : `: ${scoresOf(result)}`}`;
  if (result !== null) return `is done: ${scoresOf(result)}`;
  if (failure !== null) return `failed: ${failure.message} [${failure.code}]`;
  return status === 'cancelled' ? 'was cancelled' : null;
}

function scoresOf({ best, final, gateSentence, withheld, approval }: RunResult): string {
  const after = [
    ...(gateSentence === null ? [] : [`gate ${gateSentence}`]),
    ...(withheld === undefined ? [] : [`withheld: ${withheld}`]),
    ...(approval === undefined ? [] : [`${approval.decision} by ${approval.actor}`]),
  ];
  const scores = `best ${best.score.toFixed(3)} at step ${String(best.step)}, last ${final.score.toFixed(3)}`;
  return [scores, ...after].join('; ');
}
