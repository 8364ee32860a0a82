import { MetricsError } from './metrics-error.ts';

/**
 * Joins our metrics and Temporal Core's into one page in Prometheus' text format, ours first. Drops OpenMetrics' closing
 * `# EOF`, which would end the page in the middle. Pure.
 * @throws METRICS_DUPLICATE_FAMILY, with all names, when both pages have a metric: Prometheus would refuse the whole page
 */
export function mergeExpositions(ours: string, core: string): string {
  const [first, second] = [linesOf(ours), linesOf(core)];
  const families = familiesOf(first);
  const duplicates = [...familiesOf(second)].filter((family) => families.has(family)).sort();
  if (duplicates.length > 0) {
    throw new MetricsError(
      'METRICS_DUPLICATE_FAMILY',
      `metrics page: ${duplicates.join(', ')} found in both our metrics and Temporal Core's, expected disjoint names; rename ours in the catalogue.`,
      { duplicates },
    );
  }
  return [...first, ...second].map((line) => `${line}\n`).join('');
}

function linesOf(exposition: string): readonly string[] {
  return exposition.split('\n').filter((line) => line.trim() !== '' && line.trim() !== '# EOF');
}

/** Names of the metrics on a page: what its TYPE and HELP lines say, and bare samples by their own name. */
function familiesOf(lines: readonly string[]): ReadonlySet<string> {
  const declared = new Set<string>();
  for (const line of lines) {
    const name = /^# (?:TYPE|HELP) (\S+)/.exec(line)?.[1];
    if (name !== undefined) declared.add(name);
  }
  const bare = lines
    .map((line) => /^[a-zA-Z_:][\w:]*/.exec(line)?.[0])
    .filter((name) => name !== undefined)
    .filter((name) => !declared.has(name) && !declared.has(name.replace(/_(?:bucket|sum|count)$/, '')));
  return new Set([...declared, ...bare]);
}
