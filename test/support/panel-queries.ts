import { z } from 'zod';

/** One query of one panel, ready for Prometheus. */
export interface PanelQuery {
  readonly panel: string;
  readonly expr: string;
}

interface Panel {
  readonly type: string;
  readonly title: string;
  readonly targets: readonly { readonly expr: string }[];
  /** Of a collapsed row. */
  readonly panels: readonly Panel[];
}
const panelSchema: z.ZodType<Panel> = z.object({
  type: z.string(),
  title: z.string().default(''),
  targets: z.array(z.object({ expr: z.string() })).default([]),
  panels: z.array(z.lazy(() => panelSchema)).default([]),
});
const dashboardSchema = z.object({ panels: z.array(panelSchema) });

/** What a viewer with nothing narrowed would have in the template variables. */
const VARIABLES: Readonly<Record<string, string>> = { lineage: '.*', release: '.*', __rate_interval: '1m' };

/**
 * Every query of every panel of a dashboard's JSON text, template variables replaced as Grafana would with "All" chosen.
 * Throws when a panel has no query, or uses a variable that is not known here.
 */
export function panelQueries(dashboardJson: string): readonly PanelQuery[] {
  const { panels } = dashboardSchema.parse(JSON.parse(dashboardJson));
  return panels.flatMap(queriesOf);
}

function queriesOf(panel: Panel): readonly PanelQuery[] {
  if (panel.type === 'row') return panel.panels.flatMap(queriesOf);
  if (panel.targets.length === 0) throw new Error(`panel ${panel.title}: has no query, expected at least one.`);
  return panel.targets.map(({ expr }) => ({ panel: panel.title, expr: substitute(expr, panel.title) }));
}

function substitute(expr: string, panel: string): string {
  return expr.replaceAll(/\$\{?(\w+)\}?/g, (variable, name: string) => {
    const value = VARIABLES[name];
    if (value === undefined) throw new Error(`panel ${panel}: variable ${variable} in ${expr} is not known.`);
    return value;
  });
}
