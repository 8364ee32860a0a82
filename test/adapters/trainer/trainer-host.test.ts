import { mkdir, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { TrainerHost, TrainerJob, TrainerLaunch } from '../../../activities/training-ports.ts';
import type { Launcher, Program } from '../../../adapters/trainer/launcher.ts';
import { createTrainerHost } from '../../../adapters/trainer/trainer-host.ts';
import { RECIPE_KEYS, type FinetuneSpec, type LauncherSpec } from '../../../contracts/lineage-spec.schema.ts';
import { trainerEnvironment } from '../../../workers/settings.ts';
import { makeSpec, SMALLEST_SPEC } from '../../support/lineage-values.ts';
import { exitOf, makeLauncher, SCRIPT, trainingFolder } from '../../support/local-trainer.ts';
import { temporaryFolder } from '../../support/safetensors.ts';

const WORKER = { PATH: process.env['PATH'] ?? '', HF_TOKEN: 'hub', OTHER_TOKEN: 'other', TEMPORAL_API_KEY: 'key' };
const JOB: TrainerJob = { attempt: 2, model: '/models/start', resumeFrom: null, microBatchSize: 4 };
const TOKEN = '0123456789abcdef';

/** A launcher that starts nothing and keeps what it was asked for. */
class NotedLauncher implements Launcher {
  readonly asked: unknown[] = [];
  program: Program | null = null;

  async state(launch: TrainerLaunch): Promise<{ readonly kind: 'absent' }> {
    this.asked.push(['state', launch.token]);
    return Promise.resolve({ kind: 'absent' });
  }

  async start(launch: TrainerLaunch, program: Program): Promise<void> {
    this.asked.push(['start', launch.token]);
    this.program = program;
    return Promise.resolve();
  }

  async stop(launch: TrainerLaunch, how: string): Promise<void> {
    this.asked.push([how, launch.token]);
    return Promise.resolve();
  }
}

function hostOf(launcherOf: (spec: LauncherSpec) => Launcher): TrainerHost {
  return createTrainerHost({
    launcherOf,
    reference: { one: [process.execPath, SCRIPT], several: [process.execPath, SCRIPT] },
    environmentOf: (asked) => ({ ...trainerEnvironment(WORKER, asked), PYTHONPATH: '/trainer' }),
  });
}
const host = hostOf(() => makeLauncher());

function finetuneOf(keys: Readonly<Record<string, unknown>> = {}): FinetuneSpec {
  return makeSpec({ finetune: { ...SMALLEST_SPEC.finetune, ...keys } }).finetune;
}

const launchIn = (folder: string, launcher: LauncherSpec = { local: { gpus: 1 } }): TrainerLaunch => ({
  folder,
  token: TOKEN,
  launcher,
});

/** What is asked of a launcher, and what lies in the folder, when a fine-tune with these keys is started. */
async function startedWith(
  keys: Readonly<Record<string, unknown>> = {},
  job: Partial<TrainerJob> = {},
): Promise<{ readonly folder: string; readonly program: Program | null; readonly job: unknown }> {
  const [folder, launcher] = [await temporaryFolder(), new NotedLauncher()];
  await hostOf(() => launcher).start(launchIn(folder), { ...JOB, ...job }, finetuneOf(keys));
  expect(launcher.asked).toEqual([['start', TOKEN]]);
  const { program } = launcher;
  return { folder, program, job: JSON.parse(await readFile(path.join(folder, 'job.json'), 'utf8')) as unknown };
}

describe('the job of a trainer', () => {
  it('has every key of the recipe, with the micro-batch of the attempt', async () => {
    const { job } = await startedWith({ microBatchSize: 8 }, { resumeFrom: 'checkpoints/checkpoint-50' });
    expect(job).toEqual({
      schema: 'regraft.job/1',
      attempt: 2,
      model: '/models/start',
      dataset: '/data/train.jsonl',
      resumeFrom: 'checkpoints/checkpoint-50',
      recipe: {
        method: 'sft',
        steps: 100,
        learningRate: 5e-4,
        batchSize: 8,
        microBatchSize: 4,
        schedule: 'linear',
        warmupSteps: 0,
        weightDecay: 0,
        maxGradientNorm: 1,
        maxLength: 2048,
        packing: false,
        precision: 'float32',
        gradientCheckpointing: false,
        compile: false,
        saveEvery: 25,
        seed: 0,
      },
    });
  });

  it('has what was only asked for sometimes where it was', async () => {
    const [lora, divergence] = [{ rank: 8, alpha: 16 }, { spikeFactor: 4 }];
    expect((await startedWith({ lora, divergence, saveEvery: 'auto' })).job).toMatchObject({
      recipe: {
        lora: { ...lora, targetModules: 'all-linear' },
        divergence: { spikeFactor: 4, patience: 3 },
        saveEvery: 'auto',
      },
    });
  });

  it('has no key of how it is looked after, and is the same whatever those say', async () => {
    const finetune = finetuneOf();
    const recipe: readonly string[] = RECIPE_KEYS;
    const supervision = Object.keys(finetune).filter((key) => !recipe.includes(key));
    expect(supervision).toHaveLength(7);
    const { job } = await startedWith();
    for (const key of supervision) expect(JSON.stringify(job)).not.toContain(`"${key}"`);
    const others = { leaseFor: '1s', keepLast: 9, giveUpAfter: 9, stallAfter: '9h', environment: ['HF_TOKEN'] };
    expect((await startedWith(others)).job).toEqual(job);
  });

  it('lies beside the name of the launch that is wanted', async () => {
    const { folder } = await startedWith();
    expect(await readFile(path.join(folder, 'launch'), 'utf8')).toBe(TOKEN);
  });
});

describe('what a launcher is asked to run', () => {
  it('is the reference trainer, under the lease of the spec', async () => {
    const { folder, program } = await startedWith({ leaseFor: '2h' });
    expect(program).toMatchObject({ command: [process.execPath, SCRIPT, folder], leaseSeconds: 7200 });
  });

  it('is another program where the spec names one, with its variables beside the others', async () => {
    const { folder, program } = await startedWith({ trainer: 'command', command: ['train', '{folder}'] });
    expect(program?.command).toEqual(['train', folder]);
    expect(program?.environment).toMatchObject({
      PYTHONPATH: '/trainer',
      REGRAFT_FOLDER: folder,
      OMP_NUM_THREADS: '1',
    });
  });

  it('sees the usual few variables of the worker and those that the spec asks for, no other', async () => {
    const usual = { PATH: WORKER.PATH, PYTHONPATH: '/trainer' };
    const fixed = { OMP_NUM_THREADS: '1', MKL_NUM_THREADS: '1', HF_HUB_OFFLINE: '1' };
    expect((await startedWith()).program?.environment).toEqual({ ...usual, ...fixed });
    const asked = await startedWith({ environment: ['HF_TOKEN', 'NOT_SET'] });
    expect(asked.program?.environment).toEqual({ ...usual, ...fixed, HF_TOKEN: 'hub' });
  });

  it('runs where the launch says, and is looked for and stopped there', async () => {
    const [local, slurm] = [new NotedLauncher(), new NotedLauncher()];
    const both = hostOf((spec) => ('slurm' in spec ? slurm : local));
    const launch = launchIn(await temporaryFolder(), { slurm: { gpus: 0, cpus: 1, signalBefore: '2m', options: [] } });
    expect(await both.state(launch)).toEqual({ kind: 'absent' });
    await both.start(launch, JOB, finetuneOf());
    for (const how of ['dump', 'checkpoint', 'kill'] as const) await both.stop(launch, how);
    expect(slurm.asked.map(String)).toEqual(
      ['state', 'start', 'dump', 'checkpoint', 'kill'].map((what) => `${what},${TOKEN}`),
    );
    expect(local.asked).toEqual([]);
  });
});

describe('a trainer of the local launcher', () => {
  it('keeps the contract: job in, steps and checkpoints that verify out', async () => {
    const launch = launchIn(await trainingFolder());
    await host.renewLease(launch.folder, { token: 1, holder: 'host-1/100' });
    await host.start(launch, { ...JOB, attempt: 1 }, finetuneOf({ steps: 4, saveEvery: 2 }));
    expect(await exitOf(launch)).toBe(0);
    expect(await host.state(launch)).toEqual({ kind: 'exited', exitCode: 0, reason: null });
    const { complete, rejected } = await host.checkpoints(launch.folder, null);
    expect([complete.map(({ step }) => step), rejected]).toEqual([[2, 4], []]);
    expect(await Promise.all(complete.map((checkpoint) => host.verify(checkpoint)))).toEqual([null, null]);
    expect((await host.readSteps(launch.folder, 0)).steps.map(({ step }) => step)).toEqual([1, 2, 3, 4]);
    await host.removeCheckpoints(launch.folder, [2]);
    expect((await host.checkpoints(launch.folder, null)).complete.map(({ step }) => step)).toEqual([4]);
  });
});

describe('a lease', () => {
  it('says who looks after the folder, and is newer after every renewal', async () => {
    const folder = await temporaryFolder();
    const file = path.join(folder, 'lease.json');
    const lease = { token: 3, holder: 'host-1/100' };
    for (let times = 1; times <= 2; times += 1) {
      await host.renewLease(folder, lease);
      expect(JSON.parse(await readFile(file, 'utf8'))).toEqual(lease);
      expect((await stat(file)).mtimeMs).toBeGreaterThan(0);
      await utimes(file, 0, 0);
    }
  });
});

describe('what a trainer leaves to say', () => {
  const says = async (files: Readonly<Record<string, string>>): Promise<string> => {
    const folder = path.join(await temporaryFolder(), 'run');
    await mkdir(folder);
    for (const [name, text] of Object.entries(files)) await writeFile(path.join(folder, name), text);
    return host.lastWords(folder);
  };

  it('is its own error before its log', async () => {
    const error = JSON.stringify({ code: 'TRAINER_CONFIG_INVALID', message: 'the job names no model' });
    expect(await says({ 'error.json': error, 'trainer.log': 'a\nb\n' })).toBe('the job names no model');
  });

  it.each(['{"code":"TRAINER_DIV', '{"reason":"no message"}', ''])(
    'is its log when its error reads %j',
    async (torn) => {
      expect(await says({ 'error.json': torn, 'trainer.log': 'attempt 1 begins\n' })).toBe(
        'the end of its log:\nattempt 1 begins',
      );
    },
  );

  it('is the last fifteen lines of a long log, and a word when there is none', async () => {
    const lines = Array.from({ length: 40 }, (_, index) => `line ${String(index)}`);
    expect(await says({ 'trainer.log': `${lines.join('\n')}\n` })).toBe(
      ['the end of its log:', ...lines.slice(-15)].join('\n'),
    );
    expect(await says({})).toBe('it left no log');
    expect(await says({ 'trainer.log': '\n\n' })).toBe('it left no log');
  });
});

describe('the size of a log', () => {
  it('is its bytes, none where there is none', async () => {
    const folder = await temporaryFolder();
    expect(await host.logBytes(folder)).toBe(0);
    await writeFile(path.join(folder, 'trainer.log'), 'früh');
    expect(await host.logBytes(folder)).toBe(5);
  });
});
