import { describe, expect, it } from 'vitest';
import type { TrainerJob } from '../../../activities/training-ports.ts';
import { trainerProgram } from '../../../adapters/trainer/trainer-program.ts';
import { makeSpec, SMALLEST_SPEC } from '../../support/lineage-values.ts';

const REFERENCE = {
  one: ['/venv/bin/python', '-m', 'regraft_trainer'],
  several: ['/venv/bin/python', '-m', 'regraft_trainer.launch'],
} as const;
const JOB: TrainerJob = { attempt: 2, model: '/models/start', resumeFrom: null, microBatchSize: 4 };

/** The program of a spec whose fine-tune has these keys. */
function programOf(
  finetune: Readonly<Record<string, unknown>> = {},
  job: Partial<TrainerJob> = {},
): ReturnType<typeof trainerProgram> {
  const spec = makeSpec({ finetune: { ...SMALLEST_SPEC.finetune, ...finetune } });
  return trainerProgram({ folder: '/run', job: { ...JOB, ...job }, finetune: spec.finetune, reference: REFERENCE });
}
const commandOf = (...command: readonly string[]): Readonly<Record<string, unknown>> => ({
  trainer: 'command',
  command,
});

describe('the reference trainer', () => {
  it('gets its folder and nothing else', () => {
    expect(programOf()).toEqual({ command: [...REFERENCE.one, '/run'], environment: {} });
  });

  it('runs as several processes where the spec names a configuration for it', () => {
    expect(programOf({ accelerate: '/etc/fsdp.yaml' })).toEqual({
      command: ['/venv/bin/python', '-m', 'regraft_trainer.launch', '/etc/fsdp.yaml', '/run'],
      environment: {},
    });
  });
});

describe('a program of the user’s own', () => {
  it('gets what it asks for by placeholder, each as one argument', () => {
    const spec = commandOf(
      'train.sh',
      '{model}',
      '--data={dataset}',
      '{folder}/{output}',
      '{steps}/{saveEvery}/{microBatchSize}',
      '{resume}',
    );
    expect(programOf(spec).command).toEqual([
      'train.sh',
      '/models/start',
      '--data=/data/train.jsonl',
      '/run//run/checkpoints',
      '100/25/4',
      '',
    ]);
  });

  it('gets where to resume as an absolute path', () => {
    const { command, environment } = programOf(commandOf('train', '{resume}'), {
      resumeFrom: 'checkpoints/checkpoint-50',
    });
    expect(command).toEqual(['train', '/run/checkpoints/checkpoint-50']);
    expect(environment).toMatchObject({ REGRAFT_RESUME: '/run/checkpoints/checkpoint-50' });
  });

  it('gets all of it as variables, asked for or not', () => {
    expect(programOf(commandOf('train')).environment).toEqual({
      REGRAFT_FOLDER: '/run',
      REGRAFT_MODEL: '/models/start',
      REGRAFT_DATASET: '/data/train.jsonl',
      REGRAFT_OUTPUT: '/run/checkpoints',
      REGRAFT_RESUME: '',
      REGRAFT_STEPS: '100',
      REGRAFT_SAVE_EVERY: '25',
      REGRAFT_MICRO_BATCH_SIZE: '4',
    });
  });

  it.each(['{}', '{other}', '{ model }', '{"a": 1}', '${model', '{toString}', '{constructor}'])(
    'keeps its own braces: %s',
    (argument) => {
      expect(programOf(commandOf('train', argument)).command).toEqual(['train', argument]);
    },
  );

  it('is not filled in twice: a value that looks like a placeholder stays', () => {
    const spec = { ...commandOf('train', '{dataset}'), dataset: '/data/{model}.jsonl' };
    expect(programOf(spec).command).toEqual(['train', '/data/{model}.jsonl']);
  });
});
