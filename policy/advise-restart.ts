import type { ReleaseState } from '../contracts/lineage-state.ts';
import type { RunResult } from '../contracts/run.ts';
import { deltaResultOf, resultOf } from './arm-result.ts';

/** Releases in a row at which the plain control has to do better. */
const PLAIN_WINS = 2;
/** Releases in a row over which Δ has to grow, and by what in all. */
const GROWING = 4;
const GROWN = 2;

/**
 * Whether it is time to start from the base again, in a sentence; null: no sign of it. Two signs: the plain control, when it
 * did its own work, was better at the last two releases that have one; or ‖Δ‖ grew at each of the last four and doubled,
 * so that every release carries more of what earlier ones left. Differences of a point are noise: this is advice, never
 * done by itself.
 *
 * @param releases in family order
 */
export function adviseRestart(releases: readonly ReleaseState[]): string | null {
  return plainWins(releases) ?? growsOn(releases);
}

function plainWins(releases: readonly ReleaseState[]): string | null {
  const compared = releases.flatMap(({ release, arms }) => {
    const plain = arms.find(({ arm, status }) => arm === 'plain' && status === 'succeeded')?.result ?? null;
    const production = arms[0] === undefined || arms[0].arm === 'plain' ? null : resultOf(arms[0].arm, arms);
    // Where both start from the base there is nothing to compare.
    if (plain === null || production === null || arms[0]?.source === null) return [];
    return [{ name: release.name, better: plain.best.score - production.best.score }];
  });
  const last = compared.slice(-PLAIN_WINS);
  if (last.length < PLAIN_WINS || last.some(({ better }) => better <= 0)) return null;
  const by = last.map(({ name, better }) => `${better.toFixed(3)} at ${name}`).join(' and ');
  return `the plain control was better than the carried Δ at the last ${String(PLAIN_WINS)} releases that had one (by ${by}): consider \`regraft restart\``;
}

function growsOn(releases: readonly ReleaseState[]): string | null {
  const norms = releases.flatMap(({ release, arms }) => {
    const result: RunResult | null = arms[0] === undefined ? null : deltaResultOf(arms[0].arm, arms);
    return result?.deltaNorm === undefined ? [] : [{ name: release.name, norm: result.deltaNorm }];
  });
  const last = norms.slice(-GROWING);
  const [first, newest] = [last[0], last.at(-1)];
  if (first === undefined || newest === undefined || last.length < GROWING) return null;
  const grows = last.every(({ norm }, index) => index === 0 || norm > (last[index - 1]?.norm ?? 0));
  if (!grows || newest.norm < GROWN * first.norm) return null;
  return `‖Δ‖ grew at each of the last ${String(GROWING)} releases, from ${first.norm.toPrecision(3)} at ${first.name} to ${newest.norm.toPrecision(3)} at ${newest.name}: consider \`regraft restart\``;
}
