import type { PanelSpec } from '../panel.ts';
import { by, metric, only } from '../query.ts';

const RUN = ['lineage', 'release', 'arm'] as const;

/** Does recycling pay: how the arms of a release learn, and what each has to show in the end. */
export function convergencePanels(): readonly PanelSpec[] {
  return [
    {
      title: 'Training loss by arm',
      shows: 'Loss of the newest logged step.',
      bad: 'a curve that climbs or stays flat for many steps, NaN, or a recycled arm that starts above plain.',
      unit: 'suffix: nats',
      shape: 'curves',
      query: by('max', metric('trainLossNats'), RUN),
    },
    {
      title: 'Evaluation score by arm',
      shows:
        'Score at the newest evaluated checkpoint, by suite: the share of samples right, or log-likelihood a token.',
      bad: 'a score that falls while the training loss falls too (overfitting), or one suite that falls while another rises.',
      unit: 'none',
      shape: 'curves',
      query: by('max', metric('evaluationScore'), [...RUN, 'suite']),
    },
    {
      title: 'Evaluation loss by arm',
      shows: 'Loss on the reference answers at the newest evaluated checkpoint, by suite.',
      bad: 'it rises from one checkpoint to the next while the training loss falls: the run has begun to overfit.',
      unit: 'suffix: nats',
      shape: 'curves',
      query: by('max', metric('evaluationLossNats'), [...RUN, 'suite']),
    },
    {
      title: 'Best score by release and arm',
      shows: 'Score on the first suite of the checkpoint that each finished run kept.',
      bad: 'a release that scores below the one before it, or recycled arms below plain release after release.',
      unit: 'none',
      shape: 'bars',
      query: by('max', metric('bestScore'), RUN),
    },
    {
      title: 'Steps to target by arm',
      shows:
        'First fine-tuning step whose evaluation reached the final score of the plain arm, else of the previous release.',
      bad: 'a recycled arm needs as many steps as plain, or has no bar: it never got there.',
      unit: 'suffix: steps',
      shape: 'bars',
      query: by('max', metric('stepsToTarget'), [...RUN, 'against']),
    },
    {
      title: 'Steps of the reference ÷ steps of this arm',
      shows:
        'How many times fewer steps an arm needed to reach the final score of plain, else of the previous release.',
      bad: 'a recycled arm at or below 1: carrying the Δ forward saved nothing at this release.',
      unit: 'suffix:×',
      shape: 'bars',
      query: by('max', metric('stepsSavedRatio'), [...RUN, 'against']),
    },
    ...curveStatePanels(),
  ];
}

/** How the curves stand, and what stopping them early saved. */
function curveStatePanels(): readonly PanelSpec[] {
  return [
    {
      title: 'Convergence state by arm',
      shows:
        'How the curve of each training stands: improving, plateau, target reached, diverging, not a number, budget spent.',
      bad: 'diverging or not a number; or a plateau long before the budget is spent, release after release: declare `stop`.',
      unit: 'none',
      shape: 'bars',
      query: only(by('max', metric('convergenceState'), [...RUN, 'state']), '>', 0),
    },
    {
      title: 'Steps saved by stopping early',
      shows: 'Steps of the budget that each finished run left untrained because its curve had come far enough.',
      bad: 'many steps saved by an arm that ends below the others: it was stopped too soon; widen the window of the plateau.',
      unit: 'suffix: steps',
      shape: 'bars',
      query: by('max', metric('earlyStopStepsSaved'), RUN),
    },
  ];
}
