import type { ArmState, LineageState, ReleaseState } from '../../contracts/lineage-state.ts';
import type { RunResult } from '../../contracts/run.ts';
import { shortDigest } from '../text/words.ts';

/** What happened to a lineage between two looks at it, as lines for people; nothing when nothing did. */
export function describeChanges(before: LineageState | null, after: LineageState): readonly string[] {
  const lines = after.releases.flatMap((entry) => {
    const known = before?.releases.find(({ release }) => release.name === entry.release.name);
    return releaseChanges(known, entry);
  });
  const published = after.published;
  if (published !== null && published.candidateDigest !== before?.published?.candidateDigest) {
    lines.push(`${published.release} is live: ${shortDigest(published.candidateDigest)}`);
  }
  if ((before?.paused ?? null) === null && after.paused !== null) {
    lines.push(
      `paused by ${after.paused.actor}: ${after.paused.reason}; \`regraft resume ${after.spec.name}\` goes on`,
    );
  }
  return lines;
}

function releaseChanges(before: ReleaseState | undefined, after: ReleaseState): string[] {
  const { name, digest } = after.release;
  const lines: string[] = [];
  if (before === undefined) lines.push(`${name} was released and is pinned as ${shortDigest(digest)}`);
  for (const arm of after.arms) {
    const known = before?.arms.find((other) => other.arm === arm.arm);
    if (known === undefined) lines.push(`${name} ${arm.arm} ${startOf(arm)}`);
    const end = known?.status === arm.status ? null : endOf(arm);
    if (end !== null) lines.push(`${name} ${arm.arm} ${end}`);
  }
  return lines;
}

function startOf(arm: ArmState): string {
  if (arm.sharedWith !== null) return `starts from the same model as ${arm.sharedWith}, which does the work for both`;
  return `starts from ${arm.source === null ? 'the base' : `base + Δ of ${arm.source.fromRelease}`}`;
}

function endOf({ status, result, failure }: ArmState): string | null {
  if (result !== null) return `is done: ${scoresOf(result)}`;
  if (failure !== null) return `failed: ${failure.message} [${failure.code}]`;
  return status === 'cancelled' ? 'was cancelled' : null;
}

function scoresOf({ best, final, gateSentence }: RunResult): string {
  const gate = gateSentence === null ? '' : `; gate ${gateSentence}`;
  return `best ${best.score.toFixed(3)} at step ${String(best.step)}, last ${final.score.toFixed(3)}${gate}`;
}
