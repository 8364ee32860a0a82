import type { PanelSpec } from '../panel.ts';
import { by, divide, metric } from '../query.ts';

const RUN = ['lineage', 'release', 'arm'] as const;

/** Is the training under way, sound and fast enough. */
export function trainingPanels(): readonly PanelSpec[] {
  return [
    {
      title: 'Training progress',
      shows: 'Newest logged step as a share of the steps planned.',
      bad: 'a curve that stays flat below 100 % while its run is in the stage finetune: the trainer hangs or waits for a GPU.',
      unit: 'percentunit',
      shape: 'curves',
      query: divide(by('max', metric('trainStep'), RUN), by('max', metric('trainStepsPlanned'), RUN)),
    },
    {
      title: 'Learning rate',
      shows: 'Learning rate of the newest logged step.',
      bad: 'a jump in mid-training: the scheduler did not come back with the checkpoint after a resume.',
      unit: 'sci',
      shape: 'curves',
      query: by('max', metric('trainLearningRate'), RUN),
    },
    {
      title: 'Gradient norm',
      shows: 'Norm of the gradient before clipping.',
      bad: 'it grows tenfold within a few steps or turns NaN: the training is about to diverge; lower the learning rate.',
      unit: 'none',
      shape: 'curves',
      query: by('max', metric('trainGradientNorm'), RUN),
    },
    {
      title: 'Duration of a step',
      shows: 'Duration of the newest logged step.',
      bad: 'a lasting rise against other runs of the lineage: the machine is shared, throttled or short of memory.',
      unit: 's',
      shape: 'curves',
      query: by('max', metric('trainStepSeconds'), RUN),
    },
    {
      title: 'Tokens seen',
      shows: 'Tokens that each run has trained on so far.',
      bad: 'arms of one release that differ at the same step: they do not train on the same data, so do not compare them.',
      unit: 'none',
      shape: 'curves',
      query: by('max', metric('trainTokensSeen'), RUN),
    },
    {
      title: 'Memory',
      shows: 'Peak memory of each trainer: of its process on a CPU, of its device on a GPU.',
      bad: 'it comes near what the machine or the device has: the next longer batch ends the trainer; lower microBatchSize.',
      unit: 'bytes',
      shape: 'curves',
      query: by('max', metric('trainMemoryBytes'), RUN),
    },
    {
      title: 'Newest evaluated step',
      shows: 'Fine-tuning step of the newest evaluated checkpoint, by suite.',
      bad: 'it stays behind while the training goes on: evaluation cannot keep up, add workers to its queue.',
      unit: 'suffix: steps',
      shape: 'curves',
      query: by('max', metric('evaluationStep'), [...RUN, 'suite']),
    },
  ];
}
