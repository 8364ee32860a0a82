import type { Scorer } from '../../../contracts/suite.schema.ts';

/** What a regex scorer finds in a text: its group in the last (or first) match; null when nothing matches. */
export function matchedText(
  { pattern, flags, group, take }: Extract<Scorer, { readonly kind: 'regex' }>,
  text: string,
): string | null {
  const matches = [...text.matchAll(new RegExp(pattern, `${flags}g`))];
  const match = take === 'last' ? matches.at(-1) : matches[0];
  if (match === undefined) return null;
  if (typeof group === 'string') return match.groups?.[group] ?? null;
  return match[group ?? Math.min(1, match.length - 1)] ?? null;
}
