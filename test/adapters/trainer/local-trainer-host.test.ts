import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { TrainerHost, TrainerJob } from '../../../activities/ports.ts';
import { createLocalTrainerHost } from '../../../adapters/trainer/local-trainer-host.ts';
import { temporaryFolder } from '../../support/safetensors.ts';
import { waitUntil } from '../../support/wait-until.ts';

const SCRIPT = fileURLToPath(new URL('../../support/scripted-trainer.mjs', import.meta.url));
const STARTER = fileURLToPath(new URL('../../support/start-trainer.ts', import.meta.url));
const ENVIRONMENT = { PATH: process.env['PATH'] ?? '', REGRAFT_ALLOWED: 'yes' };

function makeHost(...command: readonly string[]): TrainerHost {
  const [program = process.execPath, ...rest] = command;
  return createLocalTrainerHost({
    command: [program, ...(command.length === 0 ? [SCRIPT] : rest)],
    environment: ENVIRONMENT,
  });
}

/** A training folder whose trainer, if one still runs, is killed when the test is over. */
async function trainingFolder(name = 'run'): Promise<string> {
  const folder = path.join(await temporaryFolder(), name);
  await mkdir(folder);
  onTestFinished(async () => {
    await makeHost().stop(folder, 'kill');
    await waitUntil('the trainer is gone', async () => (await makeHost().state(folder)).kind !== 'running');
  });
  return folder;
}

function job(recipe: TrainerJob['recipe'] = {}, resumeFrom: string | null = null): TrainerJob {
  return { model: '/model', dataset: '/data', resumeFrom, recipe: { steps: 4, saveEvery: 2, ...recipe } };
}

/** One that takes minutes unless it is stopped. */
const LONG = { steps: 100_000, saveEvery: 100_000, stepMilliseconds: 5 };

const exitOf = (host: TrainerHost, folder: string): Promise<number | null> =>
  waitUntil('the trainer has ended', async () => {
    const state = await host.state(folder);
    return state.kind === 'exited' && { exitCode: state.exitCode };
  }).then(({ exitCode }) => exitCode);

const firstStep = (host: TrainerHost, folder: string): Promise<unknown> =>
  waitUntil('it has made a step', async () => (await host.readSteps(folder, 0)).steps.length > 0);

const readJson = async (folder: string, name: string): Promise<unknown> =>
  JSON.parse(await readFile(path.join(folder, name), 'utf8'));

describe('a trainer of this machine', () => {
  it('is absent, then running with an identity, then exited with its code', async () => {
    const [host, folder] = [makeHost(), await trainingFolder()];
    expect(await host.state(folder)).toEqual({ kind: 'absent' });
    await host.start(folder, job({ stepMilliseconds: 50 }));
    expect(await host.state(folder)).toEqual({ kind: 'running' });
    expect(await readJson(folder, 'trainer.json')).toMatchObject({
      pid: expect.any(Number) as number,
      startTicks: expect.any(Number) as number,
      bootId: (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim(),
    });
    expect(await exitOf(host, folder)).toBe(0);
    expect((await host.checkpoints(folder)).map(({ step }) => step)).toEqual([2, 4]);
    expect((await host.readSteps(folder, 0)).steps.map(({ step }) => step)).toEqual([1, 2, 3, 4]);
  });

  it('gets its job with the number of the attempt', async () => {
    const [host, folder] = [makeHost(), await trainingFolder()];
    await host.start(folder, job());
    await exitOf(host, folder);
    expect(await readJson(folder, 'job.json')).toEqual({ schema: 'regraft.job/1', attempt: 1, ...job() });
    await host.start(folder, job({}, 'checkpoints/checkpoint-2'));
    await exitOf(host, folder);
    expect(await readJson(folder, 'job.json')).toMatchObject({ attempt: 2, resumeFrom: 'checkpoints/checkpoint-2' });
    const { steps } = await host.readSteps(folder, 0);
    expect(steps.map(({ attempt, step }) => [attempt, step])).toEqual([
      ...[1, 2, 3, 4].map((step) => [1, step]),
      [2, 3],
      [2, 4],
    ]);
  });

  it.each([64, 65, 70, 71, 1])('leaves exit code %i', async (endWith) => {
    const [host, folder] = [makeHost(), await trainingFolder()];
    await host.start(folder, job({ endWith }));
    expect(await exitOf(host, folder)).toBe(endWith);
  });

  it('leaves 127 and a word in its log when its program does not exist', async () => {
    const [host, folder] = [makeHost('/no/such/program'), await trainingFolder()];
    await host.start(folder, job());
    expect(await exitOf(host, folder)).toBe(127);
    expect(await host.lastWords(folder)).toContain('/no/such/program');
  });

  it('has exited without a code when its whole group was killed', async () => {
    const [host, folder] = [makeHost(), await trainingFolder()];
    await host.start(folder, job(LONG));
    await firstStep(host, folder);
    await host.stop(folder, 'kill');
    expect(await exitOf(host, folder)).toBeNull();
  });

  it('is refused a second time while it runs, and nothing of the first is touched', async () => {
    const [host, folder] = [makeHost(), await trainingFolder()];
    await host.start(folder, job(LONG));
    const before = await Promise.all(['trainer.json', 'job.json'].map((name) => readJson(folder, name)));
    await expect(makeHost().start(folder, job())).rejects.toThrow(
      expect.objectContaining({ code: 'TRAINER_ALREADY_RUNNING' }) as Error,
    );
    expect(await Promise.all(['trainer.json', 'job.json'].map((name) => readJson(folder, name)))).toEqual(before);
    expect(await host.state(folder)).toEqual({ kind: 'running' });
  });

  it('has exactly the environment that was allowed', async () => {
    process.env['REGRAFT_SECRET'] = 'token';
    onTestFinished(() => {
      delete process.env['REGRAFT_SECRET'];
    });
    const [host, folder] = [makeHost(), await trainingFolder()];
    await host.start(folder, job());
    await exitOf(host, folder);
    const environment = await readJson(folder, 'environment.json');
    // Where /bin/sh is bash, it names the program it runs in `_`, whatever one does.
    expect({ ...(environment as object), _: '' }).toEqual({ ...ENVIRONMENT, _: '' });
  });

  it('runs in a folder whose name a shell would take apart', async () => {
    const [host, folder] = [makeHost(), await trainingFolder(`a 'b" $HOME *`)];
    await host.start(folder, job());
    expect(await exitOf(host, folder)).toBe(0);
  });
});

describe('a trainer that is told to stop', () => {
  it('saves at its next step and leaves 75, twenty times out of twenty', async () => {
    const host = makeHost();
    for (let round = 0; round < 20; round += 1) {
      const folder = await trainingFolder();
      await host.start(folder, job(LONG));
      await firstStep(host, folder);
      await host.stop(folder, 'checkpoint');
      expect(await exitOf(host, folder)).toBe(75);
      const [checkpoint] = await host.checkpoints(folder);
      const last = (await host.readSteps(folder, 0)).steps.at(-1)?.step;
      expect([checkpoint?.step, checkpoint && (await host.verify(checkpoint))]).toEqual([last, true]);
    }
  });

  it('is left alone when none runs, and when none ever ran', async () => {
    const [host, folder] = [makeHost(), await trainingFolder()];
    await host.stop(folder, 'kill');
    await host.start(folder, job());
    await exitOf(host, folder);
    await host.stop(folder, 'checkpoint');
    await host.stop(folder, 'kill');
    expect(await host.state(folder)).toEqual({ kind: 'exited', exitCode: 0 });
  });

  it('is not somebody else who has its number now', async () => {
    const [host, folder] = [makeHost(), await trainingFolder()];
    const stranger = spawn('sleep', ['60'], { detached: true });
    onTestFinished(() => void stranger.kill('SIGKILL'));
    const bootId = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
    const identity = { pid: stranger.pid, startTicks: 1, bootId, token: 't' };
    await writeFile(path.join(folder, 'trainer.json'), JSON.stringify(identity));
    expect(await host.state(folder)).toEqual({ kind: 'exited', exitCode: null });
    await host.stop(folder, 'kill');
    expect([stranger.exitCode, stranger.signalCode]).toEqual([null, null]);
  });
});

describe('a trainer whose worker goes away', () => {
  it('is found by a host that did not start it, which can end it', async () => {
    const folder = await trainingFolder();
    await makeHost().start(folder, job(LONG));
    const adopting = makeHost();
    expect(await adopting.state(folder)).toEqual({ kind: 'running' });
    await firstStep(adopting, folder);
    await adopting.stop(folder, 'checkpoint');
    expect(await exitOf(adopting, folder)).toBe(75);
  });

  it('goes on when the process that started it is killed, and its exit code is still found', async () => {
    const folder = await trainingFolder();
    const recipe = { steps: 40, saveEvery: 40, stepMilliseconds: 20 };
    const worker = spawn(
      process.execPath,
      ['--import', 'tsx', STARTER, folder, SCRIPT, JSON.stringify(job({ ...recipe, endWith: 3 }))],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    onTestFinished(() => void worker.kill('SIGKILL'));
    await once(worker.stdout, 'data');
    const gone = once(worker, 'exit');
    worker.kill('SIGKILL');
    await gone;
    const host = makeHost();
    expect(await host.state(folder)).toEqual({ kind: 'running' });
    expect(await exitOf(host, folder)).toBe(3);
    expect((await host.checkpoints(folder)).map(({ step }) => step)).toEqual([40]);
  });

  it('has exited as soon as a new one runs in its place only as that new one', async () => {
    const [host, folder] = [makeHost(), await trainingFolder()];
    await host.start(folder, job({ endWith: 1 }));
    expect(await exitOf(host, folder)).toBe(1);
    await host.start(folder, job(LONG));
    expect(await host.state(folder)).toEqual({ kind: 'running' });
    await host.stop(folder, 'kill');
    expect(await exitOf(host, folder)).toBeNull();
  });
});

describe('a resume', () => {
  it('removes the checkpoints after its own, whole or half, and keeps the others', async () => {
    const [host, folder] = [makeHost(), await trainingFolder()];
    await host.start(folder, job({ steps: 10 }));
    await exitOf(host, folder);
    await mkdir(path.join(folder, 'checkpoints', 'checkpoint-1000'));
    await mkdir(path.join(folder, 'checkpoints', 'notes'));
    await host.start(folder, job({ steps: 5, saveEvery: 5 }, 'checkpoints/checkpoint-4'));
    await exitOf(host, folder);
    const left = await readdir(path.join(folder, 'checkpoints'));
    expect(left.sort()).toEqual(['checkpoint-2', 'checkpoint-4', 'checkpoint-5', 'notes']);
  });

  it('from zero removes them all', async () => {
    const [host, folder] = [makeHost(), await trainingFolder()];
    await host.start(folder, job({ steps: 4 }));
    await exitOf(host, folder);
    await host.start(folder, job({ steps: 1 }));
    await exitOf(host, folder);
    expect(await readdir(path.join(folder, 'checkpoints'))).toEqual(['checkpoint-1']);
  });
});

describe('what a trainer leaves to say', () => {
  it('is its own error before its log', async () => {
    const [host, folder] = [makeHost(), await trainingFolder()];
    await host.start(folder, job({ endWith: 64, error: 'the job names no model' }));
    await exitOf(host, folder);
    expect(await host.lastWords(folder)).toBe('the job names no model');
  });

  it('is never the error of an earlier attempt', async () => {
    const [host, folder] = [makeHost(), await trainingFolder()];
    await host.start(folder, job({ endWith: 64, error: 'old' }));
    await exitOf(host, folder);
    await host.start(folder, job({ endWith: 1 }));
    await exitOf(host, folder);
    expect(await host.lastWords(folder)).toBe('the end of its log:\nattempt 1 begins\nattempt 2 begins');
  });

  it.each(['{"code":"TRAINER_DIV', '{"reason":"no message"}'])('is its log when its error reads %s', async (torn) => {
    const [host, folder] = [makeHost(), await trainingFolder()];
    await host.start(folder, job({ endWith: 1 }));
    await exitOf(host, folder);
    await writeFile(path.join(folder, 'error.json'), torn);
    expect(await host.lastWords(folder)).toBe('the end of its log:\nattempt 1 begins');
  });

  it('is the last fifteen lines of a long log, and a word when there is none', async () => {
    const [host, folder] = [makeHost(), await trainingFolder()];
    expect(await host.lastWords(folder)).toBe('it left no log');
    const lines = Array.from({ length: 40 }, (_, index) => `line ${String(index)}`);
    await writeFile(path.join(folder, 'trainer.log'), `${lines.join('\n')}\n`);
    expect(await host.lastWords(folder)).toBe(['the end of its log:', ...lines.slice(-15)].join('\n'));
  });
});

describe('how attempts began', () => {
  it('is noted in order and read by any host, past a torn line', async () => {
    const folder = await trainingFolder();
    expect(await makeHost().starts(folder)).toEqual([]);
    await makeHost().noteStart(folder, { how: 'started', atStep: 0 });
    await makeHost().noteStart(folder, { how: 'adopted', atStep: 25 });
    await appendFile(path.join(folder, 'starts.jsonl'), '{"how":"res\n');
    expect(await makeHost().starts(folder)).toEqual([
      { how: 'started', atStep: 0 },
      { how: 'adopted', atStep: 25 },
    ]);
  });
});
