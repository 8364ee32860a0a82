import type { PanelSpec } from '../panel.ts';
import { by, divide, histogram, metric } from '../query.ts';

/** Where the runs are, how they ended, and what interrupted them. Counts are since the worker's start. */
export function runPanels(): readonly PanelSpec[] {
  return [
    {
      title: 'Stage of each run',
      shows: '1 for the stage that a run is in, 0 for those it has left.',
      bad: 'the same stage at 1 for longer than its usual duration (see the panel beside): look at its activity in Temporal.',
      unit: 'none',
      shape: 'curves',
      query: by('max', metric('runStage'), ['lineage', 'release', 'arm', 'stage']),
    },
    {
      title: 'Mean duration of a stage',
      shows: 'Mean time that an attempt of each stage took, since the worker started.',
      bad: 'any stage but finetune near the duration of finetune: the service costs more than the training.',
      unit: 's',
      shape: 'bars',
      query: divide(
        by('sum', histogram('runStageSeconds', 'sum'), ['lineage', 'arm', 'stage']),
        by('sum', histogram('runStageSeconds', 'count'), ['lineage', 'arm', 'stage']),
      ),
    },
    {
      title: 'Runs by outcome',
      shows: 'Runs that came to an end since the worker started.',
      bad: 'any failed run: its record says why; cancelled runs that nobody cancelled.',
      unit: 'none',
      shape: 'bars',
      query: by('sum', metric('runs'), ['lineage', 'arm', 'outcome']),
    },
    ...attemptPanels(),
  ];
}

/** How trainings began, ended and went on. */
function attemptPanels(): readonly PanelSpec[] {
  return [
    {
      title: 'Training starts, resumes and adoptions',
      shows: 'How trainings began since the worker started: anew, from a checkpoint, or taken over while running.',
      bad: 'many resumed in one run: trainers die again and again; started more often than there are runs: checkpoints are lost.',
      unit: 'none',
      shape: 'bars',
      query: by('sum', metric('trainingStarts'), ['lineage', 'arm', 'how']),
    },
    {
      title: 'Ends of trainers',
      shows: 'How trainers ended since the worker started.',
      bad: 'diverged or out of memory again and again; infrastructure more often than machines really fail.',
      unit: 'none',
      shape: 'bars',
      query: by('sum', metric('trainingEnds'), ['lineage', 'arm', 'end']),
    },
    {
      title: 'Continuity of resumed trainings',
      shows: 'Whether the steps that a resumed training made again came out as before.',
      bad: 'any broken: the training went another way after its resume; compare checkpoint, data and library versions.',
      unit: 'none',
      shape: 'bars',
      query: by('sum', metric('trainingContinuity'), ['lineage', 'arm', 'verdict']),
    },
    {
      title: 'Stale writes refused',
      shows: 'Writes of workers whose training had been taken over by another one; nothing of them was kept.',
      bad: 'it grows without a network outage or a frozen machine: workers are starved and miss their heartbeats.',
      unit: 'none',
      shape: 'bars',
      query: by('sum', metric('staleWritesRefused'), ['lineage', 'arm']),
    },
  ];
}
