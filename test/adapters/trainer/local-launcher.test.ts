import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { listCheckpoints, verifyCheckpoint } from '../../../adapters/trainer/checkpoint-folders.ts';
import { isLocalLaunchInUse } from '../../../adapters/trainer/local-launcher.ts';
import { exitSchema, identitySchema, readSmall } from '../../../adapters/trainer/trainer-folder.ts';
import { readTrainingSteps } from '../../../adapters/trainer/training-steps.ts';
import {
  ENVIRONMENT,
  exitOf,
  LONG,
  makeLauncher,
  prepare,
  programIn,
  SCRIPT,
  startScripted,
  trainingFolder,
  untilGone,
  untilStep,
} from '../../support/local-trainer.ts';
import { processesOf } from '../../support/processes-of.ts';
import { temporaryFolder } from '../../support/safetensors.ts';
import { waitUntil } from '../../support/wait-until.ts';

const STARTER = fileURLToPath(new URL('../../support/start-trainer.ts', import.meta.url));
const RUNNING = { kind: 'running' };
const BOOT_ID = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();

const launcher = makeLauncher();
const exited = (exitCode: number | null): object => ({ kind: 'exited', exitCode, reason: null });

const readJson = async (folder: string, name: string): Promise<unknown> =>
  JSON.parse(await readFile(path.join(folder, name), 'utf8'));
const leaderOf = async (folder: string): Promise<number> =>
  identitySchema.parse(await readJson(folder, 'trainer.json')).pid;
const attemptsOf = async (folder: string): Promise<readonly number[]> =>
  (await readTrainingSteps(folder, 0)).steps.map(({ attempt }) => attempt);

describe('a trainer of this machine', () => {
  it('is absent, then running with an identity, then exited with its code, and leaves no process', async () => {
    const folder = await trainingFolder();
    const launch = await prepare(folder, 1, { stepMilliseconds: 50 });
    expect(await launcher.state(launch)).toEqual({ kind: 'absent' });
    await launcher.start(launch, programIn(folder));
    expect(await launcher.state(launch)).toEqual(RUNNING);
    const pid = await leaderOf(folder);
    const { token } = launch;
    expect(await readJson(folder, 'trainer.json')).toMatchObject({ pid, bootId: BOOT_ID, token });
    expect(await readFile(`/proc/${String(pid)}/cmdline`, 'utf8')).toContain(folder);
    expect(await exitOf(launch)).toBe(0);
    expect((await listCheckpoints(folder)).complete.map(({ step }) => step)).toEqual([2, 4]);
    await untilGone(folder);
  });

  it.each([64, 65, 70, 71, 73, 1])('leaves exit code %i', async (endWith) => {
    expect(await exitOf(await startScripted(await trainingFolder(), 1, { endWith }))).toBe(endWith);
  });

  it('leaves 127 and a word in its log when its program does not exist', async () => {
    const folder = await trainingFolder();
    const launch = await prepare(folder, 1);
    await launcher.start(launch, { ...programIn(folder), command: ['/no/such/program'] });
    expect(await exitOf(launch)).toBe(127);
    expect(await readFile(path.join(folder, 'trainer.log'), 'utf8')).toContain('/no/such/program');
  });

  it('has exactly the environment that it was given, and the GPUs that it got', async () => {
    process.env['REGRAFT_SECRET'] = 'token';
    onTestFinished(() => {
      delete process.env['REGRAFT_SECRET'];
    });
    const folder = await trainingFolder();
    const launch = await prepare(folder, 1);
    const given = { CUDA_VISIBLE_DEVICES: '1,3' };
    await makeLauncher(given).start(launch, {
      ...programIn(folder),
      environment: { ...ENVIRONMENT, CUDA_VISIBLE_DEVICES: '0' },
    });
    await exitOf(launch);
    const environment = await readJson(folder, 'environment.json');
    // Where /bin/sh is bash, it names the program it runs in `_`, whatever one does.
    expect({ ...(environment as object), _: '' }).toEqual({ ...ENVIRONMENT, ...given, _: '' });
  });

  it('leaves its exit code also when it is told to stop while it does', async () => {
    const folder = await trainingFolder();
    const tools = await temporaryFolder();
    await writeFile(
      path.join(tools, 'mv'),
      `#!/bin/sh\ncase $2 in */exit.json) kill -s TERM $$ ;; esac\nexec /bin/mv "$@"\n`,
      { mode: 0o755 },
    );
    const launch = await prepare(folder, 1, { endWith: 65 });
    const environment = { ...ENVIRONMENT, PATH: `${tools}:${ENVIRONMENT.PATH}` };
    await launcher.start(launch, { ...programIn(folder), environment });
    expect(await exitOf(launch)).toBe(65);
  });

  it('starts no trainer when it could not leave its name', async () => {
    const folder = await trainingFolder();
    const tools = await temporaryFolder();
    await writeFile(
      path.join(tools, 'mv'),
      `#!/bin/sh\ncase $2 in */trainer.json) exit 1 ;; esac\nexec /bin/mv "$@"\n`,
      {
        mode: 0o755,
      },
    );
    const launch = await prepare(folder, 1);
    const environment = { ...ENVIRONMENT, PATH: `${tools}:${ENVIRONMENT.PATH}` };
    const started = launcher.start(launch, { ...programIn(folder), environment });
    const left = await waitUntil('it has ended', () => readSmall(folder, 'exit.json', exitSchema));
    expect(left).toEqual({ token: launch.token, exitCode: 75 });
    expect(await readdir(folder)).not.toContain('environment.json');
    await expect(started).rejects.toMatchObject({ code: 'TRAINER_START_FAILED', retryable: true });
  });

  it('runs in a folder whose name a shell would take apart', async () => {
    expect(await exitOf(await startScripted(await trainingFolder(`a 'b" $HOME *`), 1))).toBe(0);
  });

  it('is started once, however often it is asked for, and not again after its end', async () => {
    const folder = await trainingFolder();
    const launch = await startScripted(folder, 1, { stepMilliseconds: 50 });
    const before = await readJson(folder, 'trainer.json');
    await makeLauncher().start(launch, programIn(folder));
    expect(await readJson(folder, 'trainer.json')).toEqual(before);
    expect(await exitOf(launch)).toBe(0);
    await launcher.start(launch, programIn(folder));
    expect(await launcher.state(launch)).toEqual(exited(0));
    expect(await attemptsOf(folder)).toEqual([1, 1, 1, 1]);
  });

  it('is not there under another token', async () => {
    const folder = await trainingFolder();
    const launch = await startScripted(folder, 1, LONG);
    const other = { folder, token: 'f'.repeat(16) };
    expect(await launcher.state(other)).toEqual({ kind: 'absent' });
    await launcher.stop(other, 'kill');
    expect(await launcher.state(launch)).toEqual(RUNNING);
  });
});

describe('a trainer that is told to stop', () => {
  it('saves at its next step and leaves 75, twenty times out of twenty', async () => {
    for (let round = 0; round < 20; round += 1) {
      const folder = await trainingFolder();
      const launch = await startScripted(folder, 1, LONG);
      await untilStep(folder);
      await launcher.stop(launch, 'checkpoint');
      expect(await exitOf(launch)).toBe(75);
      const [checkpoint] = (await listCheckpoints(folder)).complete;
      const last = (await readTrainingSteps(folder, 0)).steps.at(-1)?.step;
      expect([checkpoint?.step, checkpoint && (await verifyCheckpoint(checkpoint))]).toEqual([last, null]);
    }
  });

  it('has exited without a code when its whole group was killed', async () => {
    const folder = await trainingFolder();
    const launch = await startScripted(folder, 1, LONG);
    await untilStep(folder);
    await launcher.stop(launch, 'kill');
    expect(await exitOf(launch)).toBeNull();
    await untilGone(folder);
  });

  it('goes on when it was only asked for its stacks', async () => {
    const folder = await trainingFolder();
    const launch = await startScripted(folder, 1, LONG);
    await untilStep(folder);
    await launcher.stop(launch, 'dump');
    const log = path.join(folder, 'trainer.log');
    await waitUntil('its stacks are there', async () =>
      (await readFile(log, 'utf8')).includes('stacks of all threads'),
    );
    expect(await launcher.state(launch)).toEqual(RUNNING);
  });

  it('is left alone when none runs, and when none ever ran', async () => {
    const folder = await trainingFolder();
    const launch = await prepare(folder, 1);
    await launcher.stop(launch, 'kill');
    await launcher.start(launch, programIn(folder));
    await exitOf(launch);
    for (const how of ['dump', 'checkpoint', 'kill'] as const) await launcher.stop(launch, how);
    expect(await launcher.state(launch)).toEqual(exited(0));
  });

  it('is not somebody else who has its number now', async () => {
    const folder = await trainingFolder();
    const launch = await prepare(folder, 1);
    const stranger = spawn('sleep', ['60'], { detached: true });
    onTestFinished(() => void stranger.kill('SIGKILL'));
    const identity = { pid: stranger.pid, startTicks: 1, bootId: BOOT_ID, token: launch.token };
    await writeFile(path.join(folder, 'trainer.json'), JSON.stringify(identity));
    expect(await launcher.state(launch)).toEqual(exited(null));
    await launcher.stop(launch, 'kill');
    await exitOf(await startScripted(folder, 2));
    expect([stranger.exitCode, stranger.signalCode]).toEqual([null, null]);
  });
});

describe('a trainer whose worker goes away', () => {
  it('goes on when the process that started it is killed, and its exit code is still found', async () => {
    const folder = await trainingFolder();
    const launch = await prepare(folder, 1, { steps: 40, saveEvery: 40, stepMilliseconds: 20, endWith: 3 });
    const worker = spawn(process.execPath, ['--import', 'tsx', STARTER, folder, launch.token, SCRIPT], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    onTestFinished(() => void worker.kill('SIGKILL'));
    await once(worker.stdout, 'data');
    const gone = once(worker, 'exit');
    worker.kill('SIGKILL');
    await gone;
    expect(await launcher.state(launch)).toEqual(RUNNING);
    expect(await exitOf(launch)).toBe(3);
    expect((await listCheckpoints(folder)).complete.map(({ step }) => step)).toEqual([40]);
  });
});

describe('a new launch in a folder', () => {
  it('ends the one before it first, and takes its place under its own name alone', async () => {
    const folder = await trainingFolder();
    const first = await startScripted(folder, 1, LONG);
    await untilStep(folder, 1);
    const second = await startScripted(folder, 2);
    expect(await launcher.state(first)).toEqual({ kind: 'absent' });
    expect(await exitOf(second)).toBe(0);
    const attempts = await attemptsOf(folder);
    expect(attempts.slice(attempts.indexOf(2))).toEqual([2, 2, 2, 2]);
  });

  it('ends what is left of the one before it when only its leader was killed', async () => {
    const folder = await trainingFolder();
    const first = await startScripted(folder, 1, LONG);
    await untilStep(folder, 1);
    process.kill(await leaderOf(folder), 'SIGKILL');
    expect(await exitOf(first)).toBeNull();
    expect((await processesOf(folder)).length).toBeGreaterThan(0);
    expect(await isLocalLaunchInUse(first)).toBe(true);
    const second = await startScripted(folder, 2);
    expect(await exitOf(second)).toBe(0);
    await untilGone(folder);
    const attempts = await attemptsOf(folder);
    expect(attempts.slice(attempts.indexOf(2))).toEqual([2, 2, 2, 2]);
  });

  it('finds no exit code and no error of the one before it', async () => {
    const folder = await trainingFolder();
    await exitOf(await startScripted(folder, 1, { endWith: 64, error: 'old' }));
    const launch = await startScripted(folder, 2, LONG);
    expect(await launcher.state(launch)).toEqual(RUNNING);
    await untilStep(folder, 2);
    expect(await readdir(folder)).not.toContain('error.json');
    expect(await readdir(folder)).not.toContain('exit.json');
  });
});

describe('whether a launch is in use', () => {
  it('is not known before it began, is true while it runs and false after its end', async () => {
    const folder = await trainingFolder();
    const launch = await prepare(folder, 1, LONG);
    expect(await isLocalLaunchInUse(launch)).toBeNull();
    await launcher.start(launch, programIn(folder));
    expect(await isLocalLaunchInUse(launch)).toBe(true);
    expect(await isLocalLaunchInUse({ folder, token: 'f'.repeat(16) })).toBeNull();
    await launcher.stop(launch, 'kill');
    await waitUntil('nothing of it runs', async () => (await isLocalLaunchInUse(launch)) === false);
  });
});
