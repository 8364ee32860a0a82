import type { PanelSpec } from '../panel.ts';
import { by, metric } from '../query.ts';

/** Does the lineage keep up with its family, and what went live. Counts are since the worker's start. */
export function releasePanels(): readonly PanelSpec[] {
  return [
    {
      title: 'Release lag',
      shows: 'Time from first seeing a release to concluding its last arm.',
      bad: 'it grows from release to release, or exceeds the time between releases: the lineage falls behind.',
      unit: 's',
      shape: 'bars',
      query: by('max', metric('releaseLagSeconds'), ['lineage', 'release']),
    },
    {
      title: 'Δ norm by release',
      shows: 'Euclidean norm of the Δ (tuned minus base) that each run left.',
      bad: 'the norm of an iterative arm that grows at every release without end: old training piles up; compare with plain.',
      unit: 'none',
      shape: 'bars',
      query: by('max', metric('deltaNorm'), ['lineage', 'release', 'arm']),
    },
    {
      title: 'Releases observed',
      shows: 'Releases that each lineage took in since the worker started.',
      bad: 'it stays flat though the family has a new release: the watch is off or the source does not answer.',
      unit: 'none',
      shape: 'figure',
      query: by('sum', metric('releasesObserved'), ['lineage']),
    },
    {
      title: 'Gate decisions',
      shows: 'Candidates that the gate let pass or rejected since the worker started.',
      bad: 'reject after reject: candidates are worse than what is live, or the margin is smaller than the noise of the suite.',
      unit: 'none',
      shape: 'bars',
      query: by('sum', metric('gateDecisions'), ['lineage', 'decision']),
    },
    {
      title: 'Publications',
      shows: 'Candidates that went live since the worker started.',
      bad: 'fewer than passed gate decisions: a publication fails or waits for an approval.',
      unit: 'none',
      shape: 'figure',
      query: by('sum', metric('publications'), ['lineage']),
    },
    {
      title: 'Lineage paused',
      shows: 'Whether each lineage is paused.',
      bad: 'true for longer than somebody remembers why: releases pile up meanwhile.',
      unit: 'bool',
      shape: 'figure',
      query: by('max', metric('lineagePaused'), ['lineage']),
    },
  ];
}
