import { absent, by, changes, core, coreHistogram, growth, only, series, whileAlso } from '../query.ts';
import type { Query } from '../query.ts';
import type { AlertSpec } from './alert.ts';

const RUN = ['lineage', 'release', 'arm'] as const;
/** On the queues of GPUs waiting is what a queue is for. */
const NOT_OF_GPUS = '{task_queue!~"regraft-gpu.*"}';

/** What a person is told who is not looking at the dashboard: what Regraft cannot mend by itself, and no more. */
export function alerts(): readonly AlertSpec[] {
  return [...workerAlerts(), ...activityAlerts(), ...trainingAlerts(), ...attemptAlerts(), ...lineageAlerts()];
}

function workerAlerts(): readonly AlertSpec[] {
  return [
    {
      name: 'RegraftWorkersGone',
      severity: 'critical',
      query: absent(series('coreScrapeOk')),
      holdsFor: '5m',
      summary: 'No worker answers',
      means:
        'Prometheus reaches no worker: none runs, or its page is not where Prometheus looks. Runs wait in Temporal and lose nothing; trainers that run go on, and a worker adopts them.',
      remedy:
        'Start a worker (`regraft up`, or `regraft worker` beside a Temporal of your own) and look into its log; if one runs, correct the scrape target.',
    },
    {
      name: 'RegraftCoreMetricsMissing',
      severity: 'info',
      query: only(by('min', series('coreScrapeOk'), []), '==', 0),
      holdsFor: '15m',
      summary: 'A worker’s page lacks the metrics of Temporal Core',
      means:
        'Our metrics are complete; those of queues, slots and failed attempts stand still, and so do their alerts.',
      remedy: 'Restart that worker when its work allows it; its log says why Core did not answer.',
    },
  ];
}

function activityAlerts(): readonly AlertSpec[] {
  return [
    {
      name: 'RegraftActivitiesWait',
      severity: 'warning',
      query: moreThan(
        900,
        coreHistogram('temporal_activity_schedule_to_start_latency_seconds', 'sum', NOT_OF_GPUS),
        '15m',
        ['task_queue'],
      ),
      holdsFor: '15m',
      summary: 'Work waits for a worker',
      means:
        'For half an hour at least one activity at a time has waited on this queue: its workers are too few, or busy with something long.',
      remedy: 'Add a worker or slots for the queue (`regraft worker --queues … --slots …`).',
    },
    {
      name: 'RegraftActivityKeepsFailing',
      severity: 'warning',
      query: moreThan(10, core('temporal_activity_execution_failed_total'), '30m', ['activity_type']),
      holdsFor: '0m',
      summary: 'An activity fails again and again',
      means:
        'More than ten attempts within half an hour failed. Temporal tries again, ever more rarely, and the run waits.',
      remedy:
        'Read the failure in Temporal’s page, or with `regraft why`: a disk that is full, a source or a store that does not answer.',
    },
    {
      name: 'RegraftStaleWritesRefused',
      severity: 'info',
      query: moreThan(0, series('staleWritesRefused'), '1h', ['lineage', 'arm']),
      holdsFor: '0m',
      summary: 'A worker came back after another had taken its training over',
      means:
        'It was frozen or cut off for longer than its heartbeat allows. What it wanted to write was refused; nothing is lost.',
      remedy: 'Look why that machine stood still: memory, a suspended virtual machine, the network.',
    },
  ];
}

function trainingAlerts(): readonly AlertSpec[] {
  const inFinetune = by('max', series('runStage', { stage: ['finetune'] }), RUN);
  return [
    {
      name: 'RegraftTrainingStandsStill',
      severity: 'critical',
      query: whileAlso(only(by('max', changes(series('trainStep'), '1h'), RUN), '==', 0), only(inFinetune, '==', 1)),
      holdsFor: '30m',
      summary: 'A training logs no steps',
      means:
        'It is in its stage finetune and no step was logged for as long as was looked at. A trainer that hangs is ended after `stallAfter`; this one waits for a GPU, is slower than that, or is ended and begun again without coming further.',
      remedy:
        'Look at `regraft why` and the trainer’s log; correct `stallAfter` where a step takes longer than the default.',
    },
    {
      name: 'RegraftTrainingDiverges',
      severity: 'warning',
      query: only(
        by('max', series('convergenceState', { state: ['diverging', 'not a number'] }), [...RUN, 'state']),
        '==',
        1,
      ),
      holdsFor: '5m',
      summary: 'A training diverges',
      means: 'Its loss grows beyond noise, or is no number. The best checkpoint so far is kept, and stays a candidate.',
      remedy:
        'Cancel the release, lower `learningRate` or raise `warmupSteps` in the lineage’s file, apply it, and `regraft retry`.',
    },
  ];
}

function attemptAlerts(): readonly AlertSpec[] {
  return [
    {
      name: 'RegraftReplayBroken',
      severity: 'critical',
      query: moreThan(0, series('trainingContinuity', { verdict: ['broken'] }), '1h', ['lineage', 'arm']),
      holdsFor: '0m',
      summary: 'A resumed training is not the one that was interrupted',
      means:
        'The steps that it did again differ from those that were logged before. Data, code or machine changed, or the trainer does not restore its whole state.',
      remedy:
        'Do not trust its curve: find what changed since the interruption (data, versions, machine), and start that release again.',
    },
    {
      name: 'RegraftTrainersKeepEnding',
      severity: 'warning',
      query: moreThan(5, series('trainingEnds', { end: ['out-of-memory', 'preempted', 'infrastructure'] }), '6h', [
        'lineage',
        'arm',
      ]),
      holdsFor: '0m',
      summary: 'Trainers end before their time, again and again',
      means:
        'More than five within six hours. Each was resumed from its newest checkpoint, but the machine does not let them work.',
      remedy:
        'Look at the panel “Ends of trainers”: memory (lower `microBatchSize`), preemption (another partition), or a machine that is ill.',
    },
  ];
}

function lineageAlerts(): readonly AlertSpec[] {
  return [
    {
      name: 'RegraftRunFailed',
      severity: 'critical',
      query: moreThan(0, series('runs', { outcome: ['failed'] }), '1h', ['lineage', 'arm']),
      holdsFor: '0m',
      summary: 'A run failed',
      means:
        'It ended with an error that trying again does not mend. What was live stays live; the lineage goes on with the next release.',
      remedy:
        '`regraft why LINEAGE RELEASE` says which stage, what was found and what to do; then `regraft retry LINEAGE RELEASE`.',
    },
    {
      name: 'RegraftCandidateRejected',
      severity: 'info',
      query: moreThan(0, series('gateDecisions', { decision: ['reject'] }), '1h', ['lineage']),
      holdsFor: '0m',
      summary: 'The gate rejected a candidate',
      means:
        'It is not shown to be good enough, and does not go live. What was live stays live, now one release behind.',
      remedy:
        '`regraft why` has the verdict of each suite; more samples, more steps, or a restart of the lineage may be the answer.',
    },
    {
      name: 'RegraftLineagePaused',
      severity: 'info',
      query: only(by('max', series('lineagePaused'), ['lineage']), '==', 1),
      holdsFor: '3d',
      summary: 'A lineage has been paused for days',
      means: 'Releases pile up and none is recycled.',
      remedy: '`regraft status LINEAGE` says who paused it and why; `regraft resume LINEAGE` goes on.',
    },
  ];
}

/** Counters that grew by more than `limit` within a window, added up by the labels. */
function moreThan<Label extends string, Kept extends Label>(
  limit: number,
  counter: Query<Label>,
  window: string,
  labels: readonly Kept[],
): Query<Kept> {
  return only(by('sum', growth(counter, window), labels), '>', limit);
}
