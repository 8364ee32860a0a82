import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { convergenceDashboard } from '../../dashboards/convergence.ts';
import { renderDashboards } from '../../dashboards/generate.ts';
import { convergencePanels } from '../../dashboards/panels/convergence-panels.ts';
import { releasePanels } from '../../dashboards/panels/release-panels.ts';
import { runPanels } from '../../dashboards/panels/run-panels.ts';
import { trainingPanels } from '../../dashboards/panels/training-panels.ts';
import { workerPanels } from '../../dashboards/panels/worker-panels.ts';
import { CATALOGUE } from '../../metrics/catalogue.ts';
import { CORE_METRICS } from '../../metrics/core-metrics.ts';
import { panelQueries } from '../support/panel-queries.ts';

const SPECS = [convergencePanels, trainingPanels, runPanels, releasePanels, workerPanels].flatMap((panels) => panels());
const PANELS = convergenceDashboard().panels ?? [];

describe('the convergence dashboard', () => {
  it('has 38 panels, each with a number, title, unit and query of its own', () => {
    const panels = PANELS.filter(({ type }) => type !== 'row');
    expect(panels).toHaveLength(38);
    expect(new Set(PANELS.map((panel) => panel.id)).size).toBe(PANELS.length);
    expect(new Set(panels.map(({ title }) => title)).size).toBe(38);
    for (const panel of panels) {
      expect(panel).toMatchObject({
        title: expect.stringMatching(/^\S.{5,}/),
        description: expect.stringMatching(/^[A-Z0-9].{20,}\. Bad: .{20,}\.$/),
        fieldConfig: { defaults: { unit: expect.stringMatching(/./) } },
        datasource: { type: 'prometheus', uid: '${datasource}' },
        targets: [{ expr: expect.stringMatching(/./) }],
      });
    }
  });

  it('shows every metric of the catalogue and no Core metric without need', () => {
    const queries = SPECS.map(({ query }) => query.expr).join('\n');
    const names = [...Object.values(CATALOGUE).map(({ name }) => name), ...Object.keys(CORE_METRICS)];
    expect(names.filter((name) => !new RegExp(`\\b${name}(_sum|_count|_bucket)?\\b`).test(queries))).toEqual([]);
  });

  it('names no metric besides the catalogue and the Core list', () => {
    const known: ReadonlySet<string> = new Set([
      ...Object.values(CATALOGUE).map(({ name }) => name),
      ...Object.keys(CORE_METRICS),
    ]);
    const named = SPECS.flatMap(({ query }) => query.expr.match(/\b(regraft|temporal)_\w+/g) ?? []);
    expect(named.length).toBeGreaterThanOrEqual(38);
    expect(named.filter((name) => !known.has(name) && !known.has(name.replace(/_(sum|count|bucket)$/, '')))).toEqual(
      [],
    );
  });

  it('lets a viewer choose data source, lineage and release', () => {
    const variables = convergenceDashboard().templating.list ?? [];
    expect(variables.map(({ name, query }) => [name, query])).toEqual([
      ['datasource', 'prometheus'],
      ['lineage', { query: 'label_values(regraft_train_step, lineage)', refId: 'lineage' }],
      ['release', { query: 'label_values(regraft_train_step{lineage=~"$lineage"}, release)', refId: 'release' }],
    ]);
  });

  it('places no panel over another', () => {
    const cells = PANELS.flatMap(({ gridPos }) => {
      if (!gridPos) return ['nowhere'];
      const { x, y, w, h } = gridPos;
      return Array.from(
        { length: w * h },
        (_, cell) => `${String(x + (cell % w))},${String(y + Math.floor(cell / w))}`,
      );
    });
    expect(cells.length).toBe(38 * 8 * 8 + 5 * 24);
    expect(new Set(cells).size).toBe(cells.length);
  });
});

describe('the generated dashboards', () => {
  it('are on disk as the sources render them', () => {
    const rendered = renderDashboards();
    expect([...rendered.keys()]).toEqual(['convergence.json']);
    for (const [name, text] of rendered) {
      expect(readFileSync(new URL(`../../dashboards/generated/${name}`, import.meta.url), 'utf8')).toBe(text);
    }
  });

  it('come out the same every time', () => {
    expect(renderDashboards()).toEqual(renderDashboards());
  });
});

describe('reading the queries of a dashboard', () => {
  const dashboard = (...panels: readonly unknown[]) => JSON.stringify({ panels });
  const panel = (expr: string) => ({ type: 'stat', title: 'Steps', targets: [{ expr }] });

  it('finds one for every panel of the generated dashboard, without a variable left', () => {
    const queries = [...renderDashboards().values()].flatMap(panelQueries);
    expect(queries).toHaveLength(38);
    expect(queries.filter(({ expr }) => expr.includes('$'))).toEqual([]);
  });

  it('replaces both ways of writing a variable, in panels of collapsed rows too', () => {
    const row = { type: 'row', title: 'Row', panels: [panel('a{lineage=~"${lineage}"}')] };
    expect(panelQueries(dashboard(row, panel('rate(b[$__rate_interval])')))).toEqual([
      { panel: 'Steps', expr: 'a{lineage=~".*"}' },
      { panel: 'Steps', expr: 'rate(b[1m])' },
    ]);
  });

  it('refuses an unknown variable and a panel without a query', () => {
    expect(() => panelQueries(dashboard(panel('a{host="$host"}')))).toThrow('variable $host');
    expect(() => panelQueries(dashboard({ type: 'stat', title: 'Empty' }))).toThrow('panel Empty: has no query');
  });
});
