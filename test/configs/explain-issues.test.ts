import { describe, expect, it } from 'vitest';
import { explainIssues } from '../../configs/explain-issues.ts';
import { lineageSpecSchema } from '../../contracts/lineage-spec.schema.ts';
import { SMALLEST_SPEC } from '../support/lineage-values.ts';

const { family, finetune } = SMALLEST_SPEC;
const suite = SMALLEST_SPEC.evaluate[0];

/** What is said about the smallest spec with these fields. */
function explain(value: unknown): readonly string[] {
  const { error } = lineageSpecSchema.safeParse(value);
  return explainIssues(error?.issues ?? [], value, lineageSpecSchema);
}
const explainWith = (fields: Readonly<Record<string, unknown>>): readonly string[] =>
  explain({ ...SMALLEST_SPEC, ...fields });
const explainFamily = (fields: Readonly<Record<string, unknown>>): readonly string[] =>
  explainWith({ family: { ...family, ...fields } });
const explainFinetune = (fields: Readonly<Record<string, unknown>>): readonly string[] =>
  explainWith({ finetune: { ...finetune, ...fields } });

describe('an unknown key', () => {
  it('is answered with the nearest known one and all that are known there', () => {
    expect(explainFamily({ poll_every: '2s' })).toEqual([
      '`family.poll_every` is an unknown key; did you mean `pollEvery`? known here: folder, hub, organisation, bucket, names, revisions, order, since, moved, pollEvery',
    ]);
  });

  it('in a list is found by its entry, counted from one', () => {
    expect(explainWith({ evaluate: [suite, { ...suite, name: 'other', weight: 2 }] })).toEqual([
      '`evaluate`, entry 2: `weight` is an unknown key; known here: name, suite, harness',
    ]);
  });

  it('that resembles nothing gets no guess', () => {
    expect(explainWith({ gate: { nonInferior: {}, quorum: 2 } })).toEqual([
      '`gate.quorum` is an unknown key; known here: against, nonInferior, superior, floors, negativeFlips, alpha, power, minSamples, approval',
    ]);
  });

  it('is told beside what is missing because of it', () => {
    const { saveEvery, ...rest } = finetune;
    expect(explainWith({ finetune: { ...rest, save_every: saveEvery } })).toEqual([
      '`finetune.saveEvery` is missing, expected a whole number or auto: Steps between checkpoints, all of which are evaluated; auto: from the measured cost of a save',
      expect.stringMatching(
        /^`finetune.save_every` is an unknown key; did you mean `saveEvery`\? known here: trainer, /,
      ),
    ]);
  });
});

describe('a value of the wrong kind', () => {
  it.each([
    [{ folder: 7 }, "`family.folder` is the number 7, expected text; if it is meant as text, write '7'"],
    [{ folder: true }, "`family.folder` is true, expected text; if it is meant as text, write 'true'"],
    [{ folder: null }, '`family.folder` is empty, expected text'],
    [{ folder: '' }, '`family.folder` is empty, expected at least 1 character'],
    [{ folder: ['a'] }, '`family.folder` is a list of 1, expected text'],
    [{ folder: { a: 1 } }, '`family.folder` holds keys with values, expected text'],
    [{ names: 'M1' }, '`family.names` is "M1": name at least one field in braces, e.g. M{release} or step{step}'],
    [{ pollEvery: '2 minutes' }, '`family.pollEvery` is "2 minutes": write a whole number and a unit: 30s, 5m or 1h'],
    [{ order: [] }, '`family.order` is empty, expected at least 1 entry'],
    [{ order: [1] }, "`family.order`, entry 1 is the number 1, expected text; if it is meant as text, write '1'"],
    [{ order: 'release' }, '`family.order` is "release", expected a list'],
  ])('in the family %j is a clear sentence', (fields, sentence) => {
    expect(explainFamily(fields)).toEqual([sentence]);
  });

  it.each([
    [{ steps: 1.5 }, '`finetune.steps` is the number 1.5, expected a whole number'],
    [{ steps: '1e3' }, '`finetune.steps` is "1e3", expected a number; leave out the quotes: 1e3'],
    [{ steps: 'many' }, '`finetune.steps` is "many", expected a number'],
    [{ steps: 0 }, '`finetune.steps` is the number 0, expected at least 1'],
    [{ steps: 1e9 }, '`finetune.steps` is the number 1000000000, expected at most 10000000'],
    [{ learningRate: 0 }, '`finetune.learningRate` is the number 0, expected more than 0'],
    [{ trainer: 'dpo' }, '`finetune.trainer` is "dpo", expected sft or command'],
    [
      { schedule: 'cosin' },
      '`finetune.schedule` is "cosin", expected linear, cosine or constant; did you mean `cosine`?',
    ],
    [{ saveEvery: 'often' }, '`finetune.saveEvery` is "often", expected a whole number or auto'],
    [{ schedule: 3 }, '`finetune.schedule` is the number 3, expected linear, cosine or constant'],
    [
      { dataset: undefined },
      '`finetune.dataset` is missing, expected text: JSONL or Parquet file of prompt and completion, or of messages; or hub://datasets/OWNER/NAME@COMMIT',
    ],
    [{ launcher: { k8s: {} } }, '`finetune.launcher` holds keys with values, expected local or slurm'],
    [
      { launcher: { slurm: { gpu: 2 } } },
      '`finetune.launcher.slurm.gpu` is an unknown key; did you mean `gpus`? known here: partition, account, qos, constraint, gpus, cpus, memoryMiB, timeLimit, signalBefore, options',
    ],
    [
      { launcher: { slurm: { timeLimit: '3m' } } },
      '`finetune.launcher.slurm.timeLimit`: 3m leaves no time to train: the trainer is told to save 2m and a minute before; raise timeLimit or lower signalBefore',
    ],
    [
      { launcher: { slurm: { options: ['--array=1-9'] } } },
      '`finetune.launcher.slurm.options`, entry 1 is "--array=1-9": write options as --name=value; none that makes one launch not one job',
    ],
    [
      { trainer: 'command', command: ['train'], saveEvery: 'auto' },
      '`finetune.saveEvery`: only the reference trainer measures what a save costs; give a program of yours a number of steps',
    ],
  ])('in the recipe %j is a clear sentence', (fields, sentence) => {
    expect(explainFinetune(fields)).toEqual([sentence]);
  });

  it('in a list is found by its entry, counted from one', () => {
    expect(explainWith({ controls: ['plain', 'direkt'] })).toEqual([
      '`controls`, entry 2 is "direkt", expected plain, direct, iterative, auto or transfer-only; did you mean `direct`?',
    ]);
    expect(explainWith({ evaluate: [{ ...suite, harness: 'helm' }] })).toEqual([
      '`evaluate`, entry 1: `harness` is "helm", expected onnx, lm-eval or command',
    ]);
    expect(explainWith({ controls: ['plain', 'plain', 'plain', 'plain'] })).toEqual([
      '`controls` is a list of 4, expected at most 3 entries',
    ]);
  });

  it('that is a name by which nothing may be called says what names look like', () => {
    expect(explainWith({ gate: { nonInferior: { 'My suite': 0.1 } } })).toContainEqual(
      '`gate.nonInferior.My suite` is no valid name: use lower-case letters, digits and dashes, at most 63',
    );
  });

  it('is cut short where it would fill the screen', () => {
    const [sentence] = explainFinetune({ schedule: 'x'.repeat(500) });
    expect(sentence).toBe(`\`finetune.schedule\` is "${'x'.repeat(59)}…, expected linear, cosine or constant`);
  });

  it.each([
    [null, 'the file is empty, expected keys with values'],
    ['name', 'the file is "name", expected keys with values'],
    [['a', 'b'], 'the file is a list of 2, expected keys with values'],
  ])('may be the whole file: %j', (value, sentence) => {
    expect(explain(value)).toEqual([sentence]);
  });
});
