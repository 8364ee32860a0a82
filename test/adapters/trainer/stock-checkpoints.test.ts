import { execFile } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFile,
  cp,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import path from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { listCheckpoints, verifyCheckpoint } from '../../../adapters/trainer/checkpoint-folders.ts';
import { sealStockCheckpoints } from '../../../adapters/trainer/stock-checkpoints.ts';
import { readTrainingSteps } from '../../../adapters/trainer/training-steps.ts';
import { checkCompatible, openModel, readSafetensorsHeader } from '../../../weights/index.ts';
import { digestOf } from '../../support/lineage-values.ts';
import { temporaryFolder } from '../../support/safetensors.ts';
import { waitAtLength } from '../../support/wait-at-length.ts';
import { checkpoint, rewrite, StockTraining, toEnd, WRITTEN } from './fixtures/stock-training.ts';

/** Starting torch takes seconds, on a busy machine many. */
const TRAINING = { timeout: 300_000 };
const CARRIED = ['chat_template.jinja', 'tokenizer.json', 'tokenizer_config.json'];

let training: StockTraining;

beforeAll(async () => {
  training = await StockTraining.make();
}, TRAINING.timeout);

afterAll(() => rm(training.place, { recursive: true, force: true }));

const seal = (folder: string, attempt = 1): ReturnType<typeof sealStockCheckpoints> =>
  sealStockCheckpoints(folder, attempt, training.model);

async function writeJob(folder: string, attempt: number, resumeFrom: string | null): Promise<void> {
  await writeFile(path.join(folder, 'job.json'), JSON.stringify({ schema: 'regraft.job/1', attempt, resumeFrom }));
}

/** Every file below a folder with its bytes' digest and its times. */
async function everything(folder: string): Promise<unknown> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
  return Promise.all(
    files.sort().map(async (file) => [file, digestOf(await readFile(file, 'latin1')), (await stat(file)).mtimeMs]),
  );
}

async function stepsOf(folder: string): Promise<readonly (readonly [attempt: number, step: number])[]> {
  return (await readTrainingSteps(folder, 0)).steps.map(({ attempt, step }) => [attempt, step]);
}
const upTo = (last: number, first = 1): readonly number[] =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index);

const isThere = (file: string): Promise<boolean> =>
  stat(file).then(
    () => true,
    () => false,
  );

async function verdicts(folder: string): Promise<readonly (string | null)[]> {
  return Promise.all((await listCheckpoints(folder)).complete.map(verifyCheckpoint));
}

async function weightsOf(folder: string, step: number): Promise<string> {
  return digestOf(await readFile(path.join(checkpoint(folder, step), 'model.safetensors'), 'latin1'));
}

describe('sealStockCheckpoints, on what an unchanged transformers script leaves', () => {
  it('seals every whole checkpoint, and each verifies and is a model to be had', async () => {
    const folder = await training.folderWith(8, 16, 24);
    expect(await seal(folder)).toEqual({ sealed: [8, 16, 24], rejected: [] });
    expect(await verdicts(folder)).toEqual([null, null, null]);
    const { complete } = await listCheckpoints(folder);
    expect(complete.map(({ step, attempt }) => [step, attempt])).toEqual([8, 16, 24].map((step) => [step, 1]));
    for (const { folder: sealed } of complete) {
      expect((await openModel(sealed)).files).toEqual(expect.arrayContaining(CARRIED));
      expect(await checkCompatible({ base: training.model, tuned: sealed, target: training.model })).toEqual([]);
    }
  });

  it('changes nothing when it is called again', async () => {
    const folder = await training.folderWith(8, 16, 24);
    await seal(folder);
    const before = await everything(folder);
    expect(await seal(folder)).toEqual({ sealed: [], rejected: [] });
    expect(await everything(folder)).toEqual(before);
  });

  it('names every file in the marker, byte for byte the trainer’s or the start model’s', async () => {
    const folder = await training.folderWith(8);
    await seal(folder);
    const sealed = checkpoint(folder, 8);
    const marker = JSON.parse(await readFile(path.join(sealed, 'COMPLETE'), 'utf8')) as { files: object };
    expect(Object.keys(marker.files).sort()).toEqual([...WRITTEN, ...CARRIED].sort());
    expect((await readdir(sealed)).sort()).toEqual(['COMPLETE', ...WRITTEN, ...CARRIED].sort());
    for (const name of CARRIED) {
      expect(await readFile(path.join(sealed, name))).toEqual(await readFile(path.join(training.model, name)));
    }
    for (const name of WRITTEN) {
      const original = path.join(training.whole(8), name);
      expect(await readFile(path.join(sealed, name))).toEqual(await readFile(original));
    }
    expect(await readdir(path.join(folder, 'checkpoints'))).toEqual(['checkpoint-8']);
  });

  it('leaves the trainer’s own tokenizer alone', async () => {
    const folder = await training.folderWith(8);
    await writeFile(path.join(checkpoint(folder, 8), 'tokenizer.json'), '{"mine": true}');
    await seal(folder);
    expect(await readFile(path.join(checkpoint(folder, 8), 'tokenizer.json'), 'utf8')).toBe('{"mine": true}');
    expect(await readdir(checkpoint(folder, 8))).not.toContain('chat_template.jinja');
  });

  it('carries the rest of the tokenizer when an earlier call was ended in the middle of it', async () => {
    const folder = await training.folderWith(8);
    const inMiddle = path.join(checkpoint(folder, 8), 'chat_template.jinja');
    await cp(path.join(training.model, 'chat_template.jinja'), inMiddle);
    expect((await seal(folder)).sealed).toEqual([8]);
    expect(await readdir(checkpoint(folder, 8))).toEqual(expect.arrayContaining(CARRIED));
  });

  it('seals one in shards', async () => {
    const folder = await training.folderWith(8);
    const [single, shard] = ['model.safetensors', 'model-00001-of-00001.safetensors'];
    const { tensors } = await readSafetensorsHeader(path.join(checkpoint(folder, 8), single));
    await rename(path.join(checkpoint(folder, 8), single), path.join(checkpoint(folder, 8), shard));
    const index = { metadata: {}, weight_map: Object.fromEntries(tensors.map(({ name }) => [name, shard])) };
    await writeFile(path.join(checkpoint(folder, 8), `${single}.index.json`), JSON.stringify(index));
    expect(await seal(folder)).toEqual({ sealed: [8], rejected: [] });
    expect(await verdicts(folder)).toEqual([null]);
  });

  it('keeps the folder’s time, by which the trainer removes its oldest', async () => {
    const folder = await training.folderWith(8);
    await utimes(checkpoint(folder, 8), 1_700_000_000, 1_700_000_000);
    await seal(folder);
    expect((await stat(checkpoint(folder, 8))).mtimeMs).toBe(1_700_000_000_000);
  });

  it('finds nothing in a folder that has no checkpoints yet', async () => {
    expect(await seal(await temporaryFolder())).toEqual({ sealed: [], rejected: [] });
  });

  it('never makes a folder anew that goes away meanwhile, and never fails for it', async () => {
    for (let turns = 0; turns < 60; turns += 2) {
      const folder = await training.folderWith(8, 16);
      const removed = (async () => {
        for (let turn = 0; turn < turns; turn += 1) await setImmediate();
        await rm(checkpoint(folder, 8), { recursive: true, maxRetries: 3 });
      })();
      const { sealed } = await seal(folder);
      await removed;
      expect(sealed).toContain(16);
      await seal(folder);
      expect((await listCheckpoints(folder)).complete.map(({ step }) => step)).toEqual([16]);
      expect(await readdir(path.join(folder, 'checkpoints'))).toEqual(['checkpoint-16']);
    }
  });
});

describe('a checkpoint that goes away at the last moment', () => {
  it('is not made anew by its marker', async () => {
    const folder = await training.folderWith(8);
    const metrics = path.join(folder, 'metrics.jsonl');
    await promisify(execFile)('mkfifo', [metrics]);
    const sealing = seal(folder);
    const held = await open(metrics, 'w'); // opens when the other side reads it, which is after all checks
    await rm(metrics);
    await rm(checkpoint(folder, 8), { recursive: true });
    await held.close();
    expect(await sealing).toEqual({ sealed: [], rejected: [] });
    expect(await readdir(path.join(folder, 'checkpoints'))).toEqual([]);
  });
});

describe('a checkpoint that is not whole', () => {
  it('gets no marker, wherever the writing of it was cut', async () => {
    const folder = await training.folderWith(8);
    let cuts = 0;
    for (const [index, name] of WRITTEN.entries()) {
      const cut = path.join(checkpoint(folder, 16), name);
      await rm(checkpoint(folder, 16), { recursive: true, force: true });
      await mkdir(checkpoint(folder, 16), { recursive: true });
      for (const done of WRITTEN.slice(0, index)) {
        await cp(path.join(training.whole(16), done), path.join(checkpoint(folder, 16), done));
      }
      for (const share of [0, 0.5, 0.99]) {
        const bytes = await readFile(path.join(training.whole(16), name));
        await writeFile(cut, bytes.subarray(0, Math.floor(bytes.length * share)));
        const { rejected } = await seal(folder);
        expect(rejected.map(({ step }) => step)).toEqual([16]);
        cuts += 1;
      }
    }
    expect(cuts).toBe(3 * WRITTEN.length);
    expect((await listCheckpoints(folder)).complete.map(({ step }) => step)).toEqual([8]);
    expect(await stepsOf(folder)).toEqual(upTo(8).map((step) => [1, step]));
  });

  it.each([
    [
      'optimizer.pt',
      'it has no optimizer state (optimizer.pt): it is no place to resume from; turn save_only_model off',
    ],
    [
      'scheduler.pt',
      'it has no scheduler state (scheduler.pt): it is no place to resume from; turn save_only_model off',
    ],
    ['rng_state.pth', 'no random-number state (rng_state.pth)'],
    ['trainer_state.json', 'it has no step and data position (trainer_state.json)'],
    ['model.safetensors', 'it has no safetensors weights (model.safetensors)'],
    ['config.json', 'it has no config.json'],
  ])('is refused without %s, and the sentence names it', async (name, why) => {
    const folder = await training.folderWith(8, 16);
    await rm(path.join(checkpoint(folder, 8), name));
    const { sealed, rejected } = await seal(folder);
    expect(sealed).toEqual([16]);
    expect(rejected).toEqual([{ step: 8, why: expect.stringContaining(why) as string }]);
    expect(await readdir(checkpoint(folder, 8))).not.toContain('COMPLETE');
  });

  it('is refused with an empty file, as a full disk leaves it', async () => {
    const folder = await training.folderWith(8);
    await truncate(path.join(checkpoint(folder, 8), 'optimizer.pt'), 0);
    expect((await seal(folder)).rejected[0]?.why).toContain('it has no optimizer state (optimizer.pt)');
  });

  it('is not sealed anew when it was damaged after it was sealed', async () => {
    const folder = await training.folderWith(8);
    await seal(folder);
    await truncate(path.join(checkpoint(folder, 8), 'optimizer.pt'), 1000);
    expect(await seal(folder)).toEqual({ sealed: [], rejected: [] });
    expect((await listCheckpoints(folder)).rejected[0]?.why).toContain('optimizer.pt has 1000 bytes');
  });

  it('is refused with its weights cut short', async () => {
    const folder = await training.folderWith(8);
    const weights = path.join(checkpoint(folder, 8), 'model.safetensors');
    await truncate(weights, (await stat(weights)).size - 1);
    const { sealed, rejected } = await seal(folder);
    expect(sealed).toEqual([]);
    expect(rejected[0]?.why).toContain('model.safetensors');
  });

  it('is left for later while a file of it changes or appears', async () => {
    for (const name of ['optimizer.pt', 'rng_state_0.pth']) {
      const folder = await training.folderWith(8);
      // So that reading takes longer than a write does.
      await writeFile(path.join(checkpoint(folder, 8), 'large.bin'), Buffer.alloc(1 << 27));
      const end = { reached: false };
      const sealing = seal(folder).finally(() => (end.reached = true));
      while (!end.reached) await appendFile(path.join(checkpoint(folder, 8), name), 'x');
      const why = `${name} changed while it was read, so its trainer is still at work`;
      expect(await sealing).toEqual({ sealed: [], rejected: [{ step: 8, why }] });
      expect((await seal(folder)).sealed).toEqual([8]);
    }
  });

  it('is refused with half a trainer_state.json, and sealed once that is whole', async () => {
    const folder = await training.folderWith(8);
    const file = path.join(checkpoint(folder, 8), 'trainer_state.json');
    const text = await readFile(file, 'utf8');
    await writeFile(file, text.slice(0, text.length / 2));
    const why = 'trainer_state.json cannot be read, so it may be half-written';
    expect(await seal(folder)).toEqual({ sealed: [], rejected: [{ step: 8, why }] });
    await writeFile(file, text);
    expect(await seal(folder)).toEqual({ sealed: [8], rejected: [] });
  });

  it('is refused when its state is of another step', async () => {
    const folder = await training.folderWith(8);
    const state = path.join(training.whole(16), 'trainer_state.json');
    await cp(state, path.join(checkpoint(folder, 8), 'trainer_state.json'));
    expect((await seal(folder)).rejected).toEqual([{ step: 8, why: 'trainer_state.json is of step 16' }]);
  });

  it.each([
    ['a shard that its index names is not there', { a: 'model-00001-of-00002.safetensors' }, 'model-00001-of-00002'],
    ['its index names none', {}, 'model.safetensors.index.json'],
  ])('is refused when %s', async (_claim, weightMap, why) => {
    const folder = await training.folderWith(8);
    await rm(path.join(checkpoint(folder, 8), 'model.safetensors'));
    const index = path.join(checkpoint(folder, 8), 'model.safetensors.index.json');
    await writeFile(index, JSON.stringify({ metadata: {}, weight_map: weightMap }));
    const { sealed, rejected } = await seal(folder);
    expect(sealed).toEqual([]);
    expect(rejected[0]?.why).toContain(why);
  });

  it('is refused when it holds an adapter alone, or lacks the random numbers of one process', async () => {
    const folder = await training.folderWith(8, 16);
    await rm(path.join(checkpoint(folder, 8), 'model.safetensors'));
    await writeFile(path.join(checkpoint(folder, 8), 'adapter_model.safetensors'), 'adapter');
    const state = path.join(checkpoint(folder, 16), 'rng_state');
    await cp(`${state}.pth`, `${state}_1.pth`);
    await rm(`${state}.pth`);
    const reasons = (await seal(folder)).rejected.map(({ why }) => why);
    expect(reasons[0]).toContain('an adapter alone is no model; save the merged weights');
    expect(reasons[1]).toBe('it has no random-number state of process 0');
    await cp(`${state}_1.pth`, `${state}_0.pth`);
    expect((await seal(folder)).sealed).toEqual([16]);
  });
});

describe('the curve of a stock trainer', () => {
  it('has every logged step once, as the trainer’s own file has it, and null where that does not say', async () => {
    const folder = await training.folderWith(8);
    await seal(folder);
    await training.bring(folder, 24);
    await seal(folder);
    const { steps } = await readTrainingSteps(folder, 0);
    expect(steps.map(({ step }) => step)).toEqual(upTo(24));
    const state = JSON.parse(await readFile(path.join(checkpoint(folder, 24), 'trainer_state.json'), 'utf8')) as {
      log_history: { loss: number; learning_rate: number; grad_norm: number }[];
    };
    const unsaid = { attempt: 1, stepSeconds: null, tokensSeen: null, memoryBytes: null, device: null };
    expect(steps).toEqual(
      state.log_history.slice(0, 24).map((entry, index) => ({
        ...unsaid,
        step: index + 1,
        lossNats: entry.loss,
        learningRate: entry.learning_rate,
        gradientNorm: entry.grad_norm,
      })),
    );
  });

  it('goes on after a line that a kill has torn', async () => {
    const folder = await training.folderWith(8);
    await appendFile(path.join(folder, 'metrics.jsonl'), '{"attempt":1,"step":1,"los');
    await seal(folder);
    expect(await stepsOf(folder)).toEqual(upTo(8).map((step) => [1, step]));
  });

  it('has no line for a loss that is NaN, and the checkpoint is sealed', async () => {
    const folder = await training.folderWith(8);
    await rewrite(path.join(checkpoint(folder, 8), 'trainer_state.json'), (text) =>
      text
        .replace(/"loss": [^,\n]+/, '"loss": NaN')
        .replace(/"grad_norm": [^,\n]+(?![^]*"grad_norm")/, '"grad_norm": Infinity'),
    );
    expect(await seal(folder)).toEqual({ sealed: [8], rejected: [] });
    const { steps } = await readTrainingSteps(folder, 0);
    expect(steps.map(({ step }) => step)).toEqual(upTo(8, 2));
    expect(steps.at(-1)?.gradientNorm).toBeNull();
  });
});

describe('attempts', () => {
  it('do not seal what another attempt is at', async () => {
    const folder = await training.folderWith(8);
    await writeJob(folder, 2, null);
    expect(await seal(folder, 1)).toEqual({ sealed: [], rejected: [] });
    expect(await seal(folder, 2)).toEqual({ sealed: [8], rejected: [] });
  });

  it('each have their own line of a step that both made', async () => {
    const folder = await training.folderWith(8, 16, 24);
    await seal(folder);
    await rm(checkpoint(folder, 24), { recursive: true });
    await training.bring(folder, 24);
    await writeJob(folder, 2, 'checkpoints/checkpoint-16');
    expect((await seal(folder, 2)).sealed).toEqual([24]);
    const expected = [...upTo(24).map((step) => [1, step]), ...upTo(24, 17).map((step) => [2, step])];
    expect(await stepsOf(folder)).toEqual(expected);
  });

  it('do not take what lies before their resume point for theirs', async () => {
    const folder = await training.folderWith(8, 16, 24);
    await writeJob(folder, 2, 'checkpoints/checkpoint-16');
    const { sealed, rejected } = await seal(folder, 2);
    expect(sealed).toEqual([24]);
    expect(rejected.map(({ step }) => step)).toEqual([8, 16]);
    expect(rejected[0]?.why).toContain('it is not beyond step 16, where attempt 2 was to go on');
    expect(await stepsOf(folder)).toEqual(upTo(24, 17).map((step) => [2, step]));
  });
});

describe('a real training', () => {
  it(
    'killed in the middle has only whole checkpoints sealed, and goes on from one to the same weights',
    TRAINING,
    async () => {
      const folder = path.join(await temporaryFolder(), 'run');
      await mkdir(folder);
      await writeJob(folder, 1, null);
      // Nobody reads from this pipe: the script is stuck in the middle of its second checkpoint, the first one whole.
      const pipe = path.join(checkpoint(folder, 16), 'optimizer.pt');
      await mkdir(path.dirname(pipe), { recursive: true });
      await promisify(execFile)('mkfifo', [pipe]);
      const killed = training.start(folder);
      onTestFinished(() => void killed.kill('SIGKILL'));
      await waitAtLength('the second checkpoint has its model', async () => {
        expect(killed.exitCode).toBeNull();
        return isThere(path.join(checkpoint(folder, 16), 'training_args.bin'));
      });
      killed.kill('SIGKILL');
      if (killed.signalCode === null) await once(killed, 'exit');
      await rm(pipe);

      const first = await seal(folder);
      expect(first.sealed).not.toContain(24);
      expect(await verdicts(folder)).toEqual(first.sealed.map(() => null));
      const from = first.sealed.at(-1) ?? 0;
      for (const { step } of first.rejected) await rm(checkpoint(folder, step), { recursive: true });
      const resume = `checkpoints/checkpoint-${String(from)}`;
      await writeJob(folder, 2, resume);
      await toEnd(training.start(folder, { resume }));

      expect((await seal(folder, 2)).sealed.at(-1)).toBe(24);
      expect(await weightsOf(folder, 24)).toBe(await weightsOf(path.join(training.place, 'whole'), 24));
      const expected = [...upTo(from).map((step) => [1, step]), ...upTo(24, from + 1).map((step) => [2, step])];
      expect(await stepsOf(folder)).toEqual(expected);
      const whole = await training.folderWith(24);
      await seal(whole);
      const losses = async (of: string): Promise<unknown> =>
        (await readTrainingSteps(of, 0)).steps.map(({ lossNats, gradientNorm }) => [lossNats, gradientNorm]);
      expect(await losses(folder)).toEqual(await losses(whole));
    },
  );

  it('that saves only the model gets nothing sealed, and hears why', TRAINING, async () => {
    const folder = path.join(await temporaryFolder(), 'run');
    await toEnd(training.start(folder, { steps: 8, args: ['--save-only-model', '--save-tokenizer'] }));
    const missing = [
      'optimizer state (optimizer.pt)',
      'scheduler state (scheduler.pt)',
      'random-number state (rng_state.pth)',
    ];
    const why = `it has no ${missing.join(', no ')}: it is no place to resume from; turn save_only_model off`;
    expect(await seal(folder)).toEqual({ sealed: [], rejected: [{ step: 8, why }] });
  });
});
