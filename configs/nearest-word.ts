import { closest, distance } from 'fastest-levenshtein';

/** What share of the letters may differ before a suggestion is no help. */
const FARTHEST = 0.5;

/** The known word that is nearest to what somebody wrote; null when none is near enough to help. */
export function nearestWord(written: string, known: readonly string[]): string | null {
  if (written === '' || known.length === 0) return null;
  const nearest = closest(written, [...known]);
  return distance(written, nearest) / written.length <= FARTHEST ? nearest : null;
}
