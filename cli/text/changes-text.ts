import type { SpecChange } from '../../contracts/lineage-state.ts';

const WHEN: Readonly<Record<SpecChange['applies'], string>> = {
  now: 'Counts at once:',
  'next attempt': 'Counts from the next attempt of a training on (a pause and a resume make one):',
  'next release': 'Counts from the next release on:',
};

/** What a spec changes, by when it counts; a line each. */
export function changesText(changes: readonly SpecChange[]): string {
  return Object.entries(WHEN)
    .flatMap(([when, head]) => {
      const lines = changes.filter(({ applies }) => applies === when).map(lineOf);
      return lines.length === 0 ? [] : [[head, ...lines].join('\n')];
    })
    .join('\n');
}

function lineOf({ path, from, to }: SpecChange): string {
  if (from === null) return `  + ${path}: ${say(to)}`;
  return to === null ? `  - ${path}: ${say(from)}` : `  ~ ${path}: ${say(from)} → ${say(to)}`;
}

function say(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
