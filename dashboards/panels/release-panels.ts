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
    ...connectivityPanels(),
    {
      title: 'Releases observed',
      shows: 'Releases that each lineage took in since the worker started.',
      bad: 'it stays flat though the family has a new release: the watch is off or the source does not answer.',
      unit: 'none',
      shape: 'figure',
      query: by('sum', metric('releasesObserved'), ['lineage']),
    },
    ...livePanels(),
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

/** What was let go live, and what was taken back. */
function livePanels(): readonly PanelSpec[] {
  return [
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
      title: 'Rollbacks',
      shows: 'Times that somebody made another release live again, since the worker started.',
      bad: 'any: what the gate let pass was taken back; `regraft status` says who and why, and the gate may lack a suite.',
      unit: 'none',
      shape: 'figure',
      query: by('sum', metric('rollbacks'), ['lineage']),
    },
  ];
}

/** Whether releases are near enough for a Δ to be carried, as the probe found. */
function connectivityPanels(): readonly PanelSpec[] {
  return [
    {
      title: 'Loss barrier between releases',
      shows:
        'Highest rise of the loss on the line between the two bases, and between old fine-tune and recycled model.',
      bad: 'a barrier of a nat or more: the releases are not of one training run, and a Δ carries little; compare with plain.',
      unit: 'suffix: nats',
      shape: 'bars',
      query: by('max', metric('connectivityBarrierNats'), ['lineage', 'release', 'arm', 'line']),
    },
    {
      title: 'Way of the base between releases',
      shows: 'Norm of newer base minus older base, divided by the norm of the older base.',
      bad: 'it nears 1: the newer base has little in common with the older one (unrelated weights lie at 1.4, norms apart).',
      unit: 'none',
      shape: 'bars',
      query: by('max', metric('baseDriftRatio'), ['lineage', 'release', 'arm']),
    },
    {
      title: 'Cosine of Δ and the way of the base',
      shows:
        'Whether the Δ that is carried points where the base went meanwhile; 0 when they have nothing to do with each other.',
      bad: 'far below 0: the new base undoes what the Δ does; far above 0: it has learnt the same already.',
      unit: 'none',
      shape: 'bars',
      query: by('max', metric('baseDriftCosine'), ['lineage', 'release', 'arm']),
    },
  ];
}
