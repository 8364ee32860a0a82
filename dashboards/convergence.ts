/* eslint-disable @typescript-eslint/no-deprecated -- the classic model is the one that file provisioning of every Grafana since 8 reads; its successor needs 12 */
import {
  DashboardBuilder,
  DashboardCursorSync,
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  RowBuilder,
  VariableRefresh,
  VariableSort,
} from '@grafana/grafana-foundation-sdk/dashboard';
import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { createPanel, DATASOURCE } from './panel.ts';
import type { PanelSpec } from './panel.ts';
import { convergencePanels } from './panels/convergence-panels.ts';
import { releasePanels } from './panels/release-panels.ts';
import { runPanels } from './panels/run-panels.ts';
import { trainingPanels } from './panels/training-panels.ts';
import { workerPanels } from './panels/worker-panels.ts';
import { labelValues } from './query.ts';

/** Rows of the dashboard, the question a reader has first on top. */
const ROWS: readonly { readonly title: string; readonly panels: () => readonly PanelSpec[] }[] = [
  { title: 'Convergence', panels: convergencePanels },
  { title: 'Training', panels: trainingPanels },
  { title: 'Runs', panels: runPanels },
  { title: 'Releases', panels: releasePanels },
  { title: 'Workers', panels: workerPanels },
];

/**
 * The dashboard that a team looks at while a release is being recycled: how the arms converge, whether the training is
 * sound, what went live, and whether the workers keep up. Pure: the same catalogue gives the same model.
 */
export function convergenceDashboard(): Dashboard {
  const builder = new DashboardBuilder('Regraft: convergence')
    .uid('regraft-convergence')
    .description('Lineages, releases and arms of Regraft: convergence, training, runs, releases, workers.')
    .tags(['regraft'])
    .readonly()
    .tooltip(DashboardCursorSync.Crosshair)
    .refresh('10s')
    .time({ from: 'now-6h', to: 'now' })
    .withVariable(new DatasourceVariableBuilder('datasource').label('Data source').type('prometheus'))
    .withVariable(choice('lineage', 'Lineage', labelValues('trainStep', 'lineage')))
    .withVariable(choice('release', 'Release', labelValues('trainStep', 'release', '{lineage=~"$lineage"}')));
  let id = 0;
  for (const row of ROWS) {
    builder.withRow(new RowBuilder(row.title).id(++id));
    for (const spec of row.panels()) builder.withPanel(createPanel(spec, ++id));
  }
  return builder.build();
}

/** A variable of several values that starts at all of them. */
function choice(name: string, label: string, query: string): QueryVariableBuilder {
  return new QueryVariableBuilder(name)
    .label(label)
    .datasource(DATASOURCE)
    .query({ query, refId: name })
    .definition(query)
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.NaturalAsc)
    .multi(true)
    .includeAll(true)
    .allValue('.*')
    .current({ selected: true, text: 'All', value: '$__all' });
}
