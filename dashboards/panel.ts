import type { Builder, Dataquery } from '@grafana/grafana-foundation-sdk/cog';
import { PanelBuilder as BarGaugeBuilder } from '@grafana/grafana-foundation-sdk/bargauge';
import {
  LegendDisplayMode,
  LegendPlacement,
  ReduceDataOptionsBuilder,
  SortOrder,
  TooltipDisplayMode,
  VizLegendOptionsBuilder,
  VizOrientation,
  VizTooltipOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common';
import type { Panel } from '@grafana/grafana-foundation-sdk/dashboard';
import { DataqueryBuilder } from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as TimeseriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries';
import { legendOf } from './query.ts';
import type { Query } from './query.ts';

/** Grafana's ids of the units we use. */
export type PanelUnit =
  'suffix: nats' | 'suffix: steps' | 'suffix:×' | 'percentunit' | 's' | 'sci' | 'bytes' | 'none' | 'bool';

/** What a panel is, as data: no panel comes without a title, a unit, and a word on what bad looks like. */
export interface PanelSpec {
  readonly title: string;
  /** What the panel shows, in a sentence. */
  readonly shows: string;
  /** What bad looks like and what to do then, in a sentence. */
  readonly bad: string;
  readonly unit: PanelUnit;
  readonly shape: 'curves' | 'bars' | 'figure';
  readonly query: Query;
}

/** The data source that the dashboard's first variable picks. */
export const DATASOURCE = { type: 'prometheus', uid: '${datasource}' };

/** In grid columns of 24, and grid rows: three panels abreast. */
const WIDTH = 8;
const HEIGHT = 8;

/** Builds a panel; `id` is its number on the dashboard, kept stable by its place. */
export function createPanel(spec: PanelSpec, id: number): Builder<Panel> {
  const builder = builderOf(spec);
  return builder
    .id(id)
    .title(spec.title)
    .description(`${spec.shows} Bad: ${spec.bad}`)
    .unit(spec.unit)
    .datasource(DATASOURCE)
    .span(WIDTH)
    .height(HEIGHT)
    .withTarget(createTarget(spec));
}

function builderOf({ shape }: PanelSpec): TimeseriesBuilder | BarGaugeBuilder | StatBuilder {
  const lastValue = new ReduceDataOptionsBuilder().calcs(['lastNotNull']);
  switch (shape) {
    case 'curves':
      return new TimeseriesBuilder()
        .lineWidth(1)
        .fillOpacity(0)
        .legend(
          new VizLegendOptionsBuilder()
            .showLegend(true)
            .displayMode(LegendDisplayMode.List)
            .placement(LegendPlacement.Bottom),
        )
        .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.Descending));
    case 'bars':
      return new BarGaugeBuilder().orientation(VizOrientation.Horizontal).reduceOptions(lastValue);
    case 'figure':
      return new StatBuilder().reduceOptions(lastValue);
  }
}

function createTarget({ query, shape }: PanelSpec): Builder<Dataquery> {
  const target = new DataqueryBuilder()
    .refId('A')
    .expr(query.expr)
    .legendFormat(legendOf(query))
    .datasource(DATASOURCE);
  return shape === 'curves' ? target.range() : target.instant();
}
