import type { Query } from '../query.ts';

/** How soon somebody should look: at once, today, or when they come by. */
export type Severity = 'critical' | 'warning' | 'info';

/** What an alert is, as data: none comes without what it means and what to do. Its labels are those of its query. */
export interface AlertSpec {
  readonly name: `Regraft${string}`;
  readonly severity: Severity;
  /** Fires for every series that this has. */
  readonly query: Query;
  /** How long it must have had it, in Prometheus' words; `0m`: at once. */
  readonly holdsFor: string;
  /** What is the matter, in a few words, without the labels. */
  readonly summary: string;
  /** What has happened, and what Regraft does about it by itself. */
  readonly means: string;
  /** What a person does. */
  readonly remedy: string;
}
