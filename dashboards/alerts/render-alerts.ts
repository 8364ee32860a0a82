import { stringify } from 'yaml';
import type { Query } from '../query.ts';
import type { AlertSpec } from './alert.ts';

const NOTE = 'Generated from dashboards/alerts/alerts.ts by `npm run generate`.';

/** Alerts as a rule file of Prometheus. */
export function renderRules(alerts: readonly AlertSpec[]): string {
  const rules = alerts.map(({ name, severity, query, holdsFor, summary, means, remedy }) => ({
    alert: name,
    expr: query.expr,
    ...(holdsFor === '0m' ? {} : { for: holdsFor }),
    labels: { severity },
    annotations: { summary: `${summary}${subjectOf(query)}`, description: `${means} ${remedy}` },
  }));
  return `# ${NOTE}\n${stringify({ groups: [{ name: 'regraft', rules }] }, { lineWidth: 0 })}`;
}

/** The page that says of every alert what it means and what to do. */
export function renderRunbook(alerts: readonly AlertSpec[]): string {
  const rows = alerts.map(
    ({ name, severity, summary }) => `| [${name}](#${name.toLowerCase()}) | ${severity} | ${summary} |`,
  );
  const sections = alerts.map(({ name, severity, query, holdsFor, summary, means, remedy }) => {
    const when = holdsFor === '0m' ? 'at once' : `after ${holdsFor}`;
    return `## ${name}\n\n**${summary}.** Severity ${severity}, ${when}.\n\n${means}\n\n${remedy}\n\n\`\`\`promql\n${query.expr}\n\`\`\`\n`;
  });
  return [
    `<!-- ${NOTE} -->`,
    '',
    '# Runbook',
    '',
    'What each alert of [alerts.yml](alerts.yml) means and what to do. Regraft mends by itself what it can: these are about the rest.',
    '',
    '| alert | severity | |',
    '| --- | --- | --- |',
    ...rows,
    '',
    sections.join('\n'),
  ].join('\n');
}

/** `: math M2`, to be filled in by Prometheus. */
function subjectOf({ labels }: Query): string {
  return labels.length === 0 ? '' : `: ${labels.map((label) => `{{ $labels.${label} }}`).join(' ')}`;
}
