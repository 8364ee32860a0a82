import type { LogEntry, ReleaseStatus } from '../../contracts/lineage-state.ts';
import type { RunPoint } from '../../contracts/run.ts';

/** An ISO time as people read it, to the minute. */
export function moment(iso: string): string {
  return `${iso.slice(0, 10)} ${iso.slice(11, 16)} UTC`;
}

/** As much of a digest as tells it from others. */
export function shortDigest(digest: string): string {
  return digest.slice(0, 12);
}

/** A point of a curve: its score and step. */
export function scoreAt({ score, step }: Pick<RunPoint, 'score' | 'step'>): string {
  return `${score.toFixed(3)} @${String(step)}`;
}

/** An order that was carried out: when, who, what, why. */
export function orderLine({ at, actor, what, reason }: LogEntry): string {
  return `${moment(at)}  ${actor}: ${what} (${reason})`;
}

/** How often each outcome is there: `9 done, 1 failed`. */
export function countsText(statuses: readonly ReleaseStatus[]): string {
  const counts = new Map<ReleaseStatus, number>();
  for (const status of statuses) counts.set(status, (counts.get(status) ?? 0) + 1);
  return [...counts]
    .map(([status, count]) => `${String(count)} ${status === 'succeeded' ? 'done' : status}`)
    .join(', ');
}
