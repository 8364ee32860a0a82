import { convergenceDashboard } from './convergence.ts';

/**
 * All dashboards as Grafana imports them: file name to text, one newline at the end. The same sources give the same
 * bytes. Pure; the files are written and checked by `scripts/generate.ts`.
 */
export function renderDashboards(): Map<string, string> {
  return new Map([['convergence.json', render(convergenceDashboard())]]);
}

function render(model: unknown): string {
  return `${JSON.stringify(model, null, 2)}\n`;
}
