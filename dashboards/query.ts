import { CATALOGUE } from '../metrics/catalogue.ts';
import type { LabelNameOf, MetricDefinition, MetricKey, MetricKeyOfKind } from '../metrics/catalogue.ts';
import type { LabelName, LabelValues } from '../metrics/labels.ts';
import { CORE_METRICS } from '../metrics/core-metrics.ts';
import type { CoreLabelOf, CoreMetricName, CoreMetricOfKind } from '../metrics/core-metrics.ts';
import { DashboardError } from './dashboard-error.ts';

/** A PromQL expression and the labels that its series carry, as far as a panel may use them. */
export interface Query<Label extends string = string> {
  readonly expr: string;
  readonly labels: readonly Label[];
}

type Part = 'bucket' | 'count' | 'sum';
type Aggregation = 'max' | 'min' | 'sum';
type Comparison = '>' | '==';
/** Values of which a label has to have one. */
type Wanted<Name extends LabelName> = { readonly [Label in Name]?: readonly LabelValues[Label][] };

/** Labels that a template variable of the dashboard narrows. */
const VARIABLES: readonly string[] = ['lineage', 'release'];

/**
 * The series of a gauge or counter of the catalogue, narrowed by the dashboard's variables where it carries their label.
 * @throws DASHBOARD_UNKNOWN_METRIC
 */
export function metric<Key extends MetricKeyOfKind<'gauge' | 'counter'>>(key: Key): Query<LabelNameOf<Key>> {
  const { name, labels } = definitionOf(key);
  return { expr: `${name}${matchers(labels)}`, labels };
}

/**
 * As {@link metric}, for a reader who chooses nothing: of all lineages and releases, those series whose labels have one of the
 * values wanted.
 * @throws DASHBOARD_UNKNOWN_METRIC
 */
export function series<Key extends MetricKeyOfKind<'gauge' | 'counter'>>(
  key: Key,
  wanted: Wanted<LabelNameOf<Key>> = {},
): Query<LabelNameOf<Key>> {
  const { name, labels } = definitionOf(key);
  const values = new Map<string, readonly string[]>(Object.entries(wanted));
  const matched = [...values].map(([label, several]) => `${label}=~"${several.join('|')}"`);
  return { expr: matched.length === 0 ? name : `${name}{${matched.join(',')}}`, labels };
}

/**
 * One part of a histogram of the catalogue; `bucket` carries `le` besides the metric's labels.
 * @throws DASHBOARD_UNKNOWN_METRIC
 */
export function histogram<Key extends MetricKeyOfKind<'histogram'>>(key: Key, part: Part): Query<LabelNameOf<Key>> {
  const { name, labels } = definitionOf(key);
  return { expr: `${name}_${part}${matchers(labels)}`, labels };
}

/**
 * The series of a gauge or counter of Temporal Core.
 * @throws DASHBOARD_UNKNOWN_METRIC
 */
export function core<Name extends CoreMetricOfKind<'gauge' | 'counter'>>(name: Name): Query<CoreLabelOf<Name>> {
  return { expr: name, labels: coreLabelsOf(name) };
}

/**
 * One part of a histogram of Temporal Core, with a matcher of the reader's own.
 * @throws DASHBOARD_UNKNOWN_METRIC
 */
export function coreHistogram<Name extends CoreMetricOfKind<'histogram'>>(
  name: Name,
  part: Part,
  matcher = '',
): Query<CoreLabelOf<Name>> {
  return { expr: `${name}_${part}${matcher}`, labels: coreLabelsOf(name) };
}

/**
 * One series for each combination of the labels: several workers may show the same run after one took it over.
 * @throws DASHBOARD_UNKNOWN_LABEL, with all names, when a label is not one of the query's
 */
export function by<Label extends string, Kept extends Label>(
  aggregation: Aggregation,
  query: Query<Label>,
  labels: readonly Kept[],
): Query<Kept> {
  const known: readonly string[] = query.labels;
  const unknown = labels.filter((label) => !known.includes(label));
  if (unknown.length > 0) {
    throw new DashboardError(
      'DASHBOARD_UNKNOWN_LABEL',
      `query ${query.expr}: grouped by ${unknown.join(', ')}, expected some of ${known.join(', ') || 'no label'}.`,
      { expr: query.expr, unknown, known },
    );
  }
  const group = labels.length === 0 ? '' : ` by (${labels.join(', ')})`;
  return { expr: `${aggregation}${group} (${query.expr})`, labels };
}

/** Growth per second of a counter; from its second sample on it is data even when nothing happens. */
export function rate<Label extends string>(query: Query<Label>): Query<Label> {
  return { expr: `rate(${query.expr}[$__rate_interval])`, labels: query.labels };
}

/**
 * Growth of a counter over a window, as in `1h`, of one that shows for the first time too: a counter that begins at 1 has not
 * grown for Prometheus, and has counted something all the same.
 */
export function growth<Label extends string>({ expr, labels }: Query<Label>, window: string): Query<Label> {
  return { expr: `((${expr} unless ${expr} offset ${window}) or increase(${expr}[${window}]))`, labels };
}

/** How often a gauge changed within a window, as in `1h`. */
export function changes<Label extends string>({ expr, labels }: Query<Label>, window: string): Query<Label> {
  return { expr: `changes(${expr}[${window}])`, labels };
}

/** Quotient of two queries with the same labels. */
export function divide<Label extends string>(dividend: Query<Label>, divisor: Query<NoInfer<Label>>): Query<Label> {
  return { expr: `${dividend.expr} / ${divisor.expr}`, labels: dividend.labels };
}

/** `query`, and 0 for what `all` has and `query` has not: a count of failures that is 0 rather than missing. */
export function orZero<Label extends string>(query: Query<Label>, all: Query<NoInfer<Label>>): Query<Label> {
  return { expr: `${query.expr} or ${all.expr} * 0`, labels: query.labels };
}

/** Only the series whose value compares so: of a flag, `> 0` is what holds. */
export function only<Label extends string>(query: Query<Label>, how: Comparison, limit: number): Query<Label> {
  return { expr: `${query.expr} ${how} ${limit}`, labels: query.labels };
}

/** The series of `query` for which `condition`, with the same labels, has one too. */
export function whileAlso<Label extends string>(query: Query<Label>, condition: Query<NoInfer<Label>>): Query<Label> {
  return { expr: `${query.expr} and ${condition.expr}`, labels: query.labels };
}

/** 1 where a query has no series at all. */
export function absent({ expr }: Query): Query<never> {
  return { expr: `absent(${expr})`, labels: [] };
}

/** Legend of a query's series: their label values. */
export function legendOf(query: Query): string {
  return query.labels.map((label) => `{{${label}}}`).join(' ');
}

/** Grafana's query for the values of a label, for a template variable. */
export function labelValues<Key extends MetricKey>(key: Key, label: LabelNameOf<Key> & string, matcher = ''): string {
  return `label_values(${definitionOf(key).name}${matcher}, ${label})`;
}

function definitionOf<Key extends MetricKey>(key: Key): (typeof CATALOGUE)[Key] & MetricDefinition {
  refuseUnknown('catalogue', key, Object.keys(CATALOGUE));
  return CATALOGUE[key];
}

function coreLabelsOf<Name extends CoreMetricName>(name: Name): readonly CoreLabelOf<Name>[] {
  refuseUnknown('list of Temporal Core metrics', name, Object.keys(CORE_METRICS));
  return CORE_METRICS[name].labels;
}

/** The types refuse it too; this is for callers that got the name from elsewhere. */
function refuseUnknown(list: string, name: string, known: readonly string[]): void {
  if (known.includes(name)) return;
  throw new DashboardError(
    'DASHBOARD_UNKNOWN_METRIC',
    `query: metric ${name} is not in the ${list}, expected one of ${known.join(', ')}.`,
    { name, known },
  );
}

function matchers(labels: readonly string[]): string {
  const narrowed = VARIABLES.filter((name) => labels.includes(name)).map((name) => `${name}=~"$${name}"`);
  return narrowed.length === 0 ? '' : `{${narrowed.join(',')}}`;
}
