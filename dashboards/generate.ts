import { alerts } from './alerts/alerts.ts';
import { renderRules, renderRunbook } from './alerts/render-alerts.ts';
import { convergenceDashboard } from './convergence.ts';

/**
 * All dashboards as Grafana imports them: file name to text, one newline at the end. The same sources give the same
 * bytes. Pure; the files are written and checked by `scripts/generate.ts`.
 */
export function renderDashboards(): Map<string, string> {
  return new Map([['convergence.json', render(convergenceDashboard())]]);
}

/** The alerts: the file of rules that Prometheus loads, and the runbook. As for the dashboards, pure. */
export function renderAlerts(): Map<string, string> {
  return new Map([
    ['alerts.yml', renderRules(alerts())],
    ['runbook.md', renderRunbook(alerts())],
  ]);
}

function render(model: unknown): string {
  return `${JSON.stringify(model, null, 2)}\n`;
}
