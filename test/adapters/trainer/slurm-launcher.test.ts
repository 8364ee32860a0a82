import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { TrainerState } from '../../../contracts/training.ts';
import type { Launch, Program } from '../../../adapters/trainer/launcher.ts';
import { createSlurmLauncher } from '../../../adapters/trainer/slurm-launcher.ts';
import { jobScript } from '../../../adapters/trainer/slurm/job-script.ts';
import type { SlurmResources } from '../../../adapters/trainer/slurm/sbatch-flags.ts';
import { readText } from '../../../adapters/trainer/trainer-folder.ts';
import { processesOf } from '../../support/processes-of.ts';
import { temporaryFolder } from '../../support/safetensors.ts';
import { startSlurm, type Slurm } from '../../support/slurm.ts';
import { waitAtLength } from '../../support/wait-at-length.ts';

const AT_LENGTH_MS = 240_000;
/** Ends with 75 when told to, and says so; on USR1 it only says so. */
const SAVES =
  'trap "echo told; exit 75" TERM; trap "echo asked" USR1; echo begun >>begun; while :; do sleep 0.1 || :; done';
const STUBBORN = 'trap "echo told" TERM; echo begun >>begun; while :; do sleep 0.1 || :; done';
/** Slurm kills one process after the other: the trainer's parent may still leave a code before its own turn comes. */
const BY_KILL: unknown = expect.toBeOneOf([null, 128 + 9]);

let slurm: Slurm;
beforeAll(async () => {
  slurm = await startSlurm();
}, AT_LENGTH_MS);
afterAll(() => slurm.stop(), AT_LENGTH_MS);

/** As a worker would be that runs in a job itself and whose user has set up the tools to taste: none of it may count. */
const launcherFor = (resources: SlurmResources = {}) =>
  createSlurmLauncher(resources, {
    environment: {
      ...slurm.environment,
      SQUEUE_PARTITION: 'nowhere',
      SQUEUE_STATES: 'PENDING',
      SBATCH_HOLD: '1',
      SBATCH_TEST_ONLY: '1',
      SCANCEL_STATE: 'SUSPENDED',
      SLURM_JOB_ID: '4711',
    },
  });

/** A folder as the trainer host leaves it to the launcher, with a name that no shell and no Slurm pattern likes. */
async function newFolder(): Promise<string> {
  const folder = path.join(await temporaryFolder(), `it's "100%j" $HOME`);
  await mkdir(folder);
  await writeFile(path.join(folder, 'lease.json'), '{}');
  return folder;
}

async function newLaunch(folder?: string): Promise<Launch> {
  const launch = { folder: folder ?? (await newFolder()), token: randomBytes(8).toString('hex') };
  await writeFile(path.join(launch.folder, 'launch'), launch.token);
  onTestFinished(() => launcherFor().stop(launch, 'kill'));
  return launch;
}

function programOf(script: string, more: Readonly<Record<string, string>> = {}): Program {
  return { command: ['/bin/sh', '-c', script], environment: { PATH: '/usr/bin:/bin', ...more }, leaseSeconds: 600 };
}

const textOf = async (launch: Launch, name: string) => (await readText(path.join(launch.folder, name))) ?? '';
const untilBegun = (launch: Launch) =>
  waitAtLength('the trainer has begun', async () => (await textOf(launch, 'begun')) !== '', 50);
const jobsOf = async ({ token }: Launch) => {
  const answer = await slurm.run('squeue', '-h', '-t', 'all', '-n', `regraft-${token}`, '-o', '%i %T');
  return answer === '' ? [] : answer.split('\n');
};
const untilExited = (launch: Launch): Promise<TrainerState> =>
  waitAtLength(
    'the trainer has exited',
    async () => {
      const state = await launcherFor().state(launch);
      return state.kind === 'exited' && state;
    },
    50,
  );
const processesIn = (launch: Launch) => processesOf(launch.token);

describe('a launch as a job', { timeout: AT_LENGTH_MS }, () => {
  it('runs the program in its folder, once, and leaves its exit code and what it said', async () => {
    const launch = await newLaunch();
    await writeFile(path.join(launch.folder, 'trainer.log'), 'an earlier attempt\n');
    expect(await launcherFor().state(launch)).toEqual({ kind: 'absent' });
    await launcherFor().start(launch, programOf('pwd; echo begun >>begun; exit 3'));
    expect(await untilExited(launch)).toEqual({ kind: 'exited', exitCode: 3, reason: null });
    await launcherFor().start(launch, programOf('echo begun >>begun'));
    expect(await jobsOf(launch)).toEqual([expect.stringMatching(/FAILED$/)]);
    expect(await textOf(launch, 'begun')).toBe('begun\n');
    expect(await textOf(launch, 'trainer.log')).toBe(`an earlier attempt\n${launch.folder}\n`);
  });

  it('is one job however often it is started, and is found again by a launcher that knows nothing but its token', async () => {
    const launch = await newLaunch();
    await launcherFor().start(launch, programOf(SAVES));
    await launcherFor().start(launch, programOf(SAVES));
    await untilBegun(launch);
    await launcherFor().start(launch, programOf(SAVES));
    expect(await launcherFor().state(launch)).toEqual({ kind: 'running' });
    expect(await jobsOf(launch)).toHaveLength(1);
    expect(await textOf(launch, 'begun')).toBe('begun\n');
  });

  it('is found by its name alone when its worker died before it could note the id', async () => {
    const launch = await newLaunch();
    await launcherFor().start(launch, programOf(SAVES));
    await writeFile(path.join(launch.folder, 'slurm.json'), JSON.stringify({ token: launch.token, jobId: null }));
    await launcherFor().start(launch, programOf(SAVES));
    expect(await jobsOf(launch)).toHaveLength(1);
  });

  it('gives the trainer exactly the environment of the program, whatever is in the values', async () => {
    const launch = await newLaunch();
    const environment = {
      PATH: '/usr/bin:/bin',
      QUOTES: `it's "quoted" \`date\` $HOME \\ \\n`,
      LINES: 'one\n#SBATCH --partition=nowhere\r\ntwo\n',
      EMPTY: '',
      mark: 'not the one of the script',
    };
    await launcherFor().start(launch, { command: ['env', '-0'], environment, leaseSeconds: 600 });
    expect(await untilExited(launch)).toMatchObject({ exitCode: 0 });
    const variables = (await textOf(launch, 'trainer.log')).split('\0').filter((variable) => variable !== '');
    expect(variables.sort()).toEqual(Object.entries(environment).map(([name, value]) => `${name}=${value}`).sort()); // prettier-ignore
  });

  it("lets the trainer see the devices that Slurm gave it and not those of its worker's", async () => {
    const launch = await newLaunch();
    const program = programOf('echo "devices $CUDA_VISIBLE_DEVICES"', { CUDA_VISIBLE_DEVICES: '7' });
    await launcherFor({ gpus: 1 }).start(launch, program);
    expect(await untilExited(launch)).toMatchObject({ exitCode: 0 });
    expect(await textOf(launch, 'trainer.log')).toMatch(/^devices [01]$/m);
  });

  it('ends every other launch of the folder before it begins', async () => {
    const first = await newLaunch();
    await launcherFor().start(first, programOf(STUBBORN));
    await untilBegun(first);
    await writeFile(path.join(first.folder, 'error.json'), '{"code": "TRAINER_FAILED", "message": "of the first"}');
    const second = await newLaunch(first.folder);
    await launcherFor().start(second, programOf(SAVES));
    expect(await textOf(second, 'error.json')).toBe('');
    expect(await processesIn(first)).toEqual([]);
    expect(await launcherFor().state(first)).toMatchObject({ kind: 'exited', exitCode: BY_KILL });
    await waitAtLength('the second runs', async () => (await launcherFor().state(second)).kind === 'running', 50);
  });

  it('says what sbatch said when there is no job, and can be started again', async () => {
    const launch = await newLaunch();
    await expect(launcherFor({ partition: 'nowhere' }).start(launch, programOf('exit 0'))).rejects.toMatchObject({
      code: 'TRAINER_START_FAILED',
      retryable: true,
      message: expect.stringMatching(/invalid partition specified: nowhere/),
    });
    expect(await launcherFor().state(launch)).toEqual({ kind: 'absent' });
    await launcherFor().start(launch, programOf('exit 0'));
    expect(await untilExited(launch)).toMatchObject({ exitCode: 0 });
  });

  it('is never requeued, whatever the options say, so nothing begins again at an old checkpoint', async () => {
    const launch = await newLaunch();
    await launcherFor({ options: ['--requeue'] }).start(launch, programOf(SAVES));
    await untilBegun(launch);
    const id = (await jobsOf(launch))[0]?.split(' ')[0] ?? '';
    expect(await slurm.run('scontrol', 'show', 'job', '-o', id)).toContain(' Requeue=0 ');
    await expect(slurm.run('scontrol', 'requeue', id)).rejects.toThrow(/disabled/);
  });
});

describe('stopping a job', { timeout: AT_LENGTH_MS }, () => {
  it('asks the trainer to save and end', async () => {
    const launch = await newLaunch();
    await launcherFor().start(launch, programOf(SAVES));
    await untilBegun(launch);
    await launcherFor().stop(launch, 'checkpoint');
    expect(await untilExited(launch)).toEqual({ kind: 'exited', exitCode: 75, reason: null });
    expect(await processesIn(launch)).toEqual([]);
    expect(await textOf(launch, 'trainer.log')).toContain('told');
  });

  it('asks a trainer for its stacks, and it runs on', async () => {
    const launch = await newLaunch();
    await launcherFor().start(launch, programOf(SAVES));
    await untilBegun(launch);
    await launcherFor().stop(launch, 'dump');
    await waitAtLength('it was asked', async () => (await textOf(launch, 'trainer.log')).includes('asked'), 50);
    expect(await launcherFor().state(launch)).toEqual({ kind: 'running' });
  });

  it('kills a whole group that will not end, without asking first', async () => {
    const launch = await newLaunch();
    await launcherFor().start(launch, programOf(`sh -c '${STUBBORN}' ${launch.token} & ${STUBBORN}`));
    await untilBegun(launch);
    await launcherFor().stop(launch, 'kill');
    // Its reason depends on what Slurm hears first: that it ended, or that it is cancelled.
    expect(await untilExited(launch)).toMatchObject({ kind: 'exited', exitCode: BY_KILL });
    expect(await textOf(launch, 'trainer.log')).not.toContain('told');
    expect(await processesIn(launch)).toEqual([]);
    await launcherFor().start(launch, programOf(SAVES));
    expect(await jobsOf(launch)).toHaveLength(1);
  });

  it('takes one that still waits out of the queue', async () => {
    const launch = await newLaunch();
    await launcherFor({ options: ['--hold'] }).start(launch, programOf(SAVES));
    expect(await launcherFor().state(launch)).toEqual({ kind: 'queued' });
    await launcherFor().stop(launch, 'dump');
    expect(await launcherFor().state(launch)).toEqual({ kind: 'queued' });
    await launcherFor().stop(launch, 'checkpoint');
    expect(await untilExited(launch)).toEqual({ kind: 'exited', exitCode: null, reason: 'cancelled' });
    expect(await textOf(launch, 'begun')).toBe('');
  });

  it('does nothing to a launch that was never started', async () => {
    const launch = await newLaunch();
    for (const how of ['dump', 'checkpoint', 'kill'] as const) await launcherFor().stop(launch, how);
    expect(await launcherFor().state(launch)).toEqual({ kind: 'absent' });
  });
});

describe('what Slurm does to a job', { timeout: AT_LENGTH_MS }, () => {
  it('tells the trainer to save before the time limit', async () => {
    const launch = await newLaunch();
    // Two minutes are the shortest limit that leaves time to tell; Slurm looks twice a minute and is told 59 s early.
    const resources = { partition: 'high', timeLimitSeconds: 120, signalBeforeSeconds: 59 };
    await launcherFor(resources).start(launch, programOf(SAVES));
    expect(await untilExited(launch)).toEqual({ kind: 'exited', exitCode: 75, reason: null });
    const log = await textOf(launch, 'trainer.log');
    expect(log).toContain('told');
    expect(log).not.toContain('TIME LIMIT');
  });

  it.each([
    ['saved', SAVES, 75],
    ['was killed', STUBBORN, BY_KILL],
  ])('says that a trainer was preempted which %s', async (_, script, exitCode) => {
    const launch = await newLaunch();
    await launcherFor({ cpus: 4 }).start(launch, programOf(script));
    await untilBegun(launch);
    const other = await newLaunch();
    await launcherFor({ partition: 'high', cpus: 4 }).start(other, programOf('exit 0'));
    expect(await untilExited(launch)).toEqual({ kind: 'exited', exitCode, reason: 'preempted' });
    expect(await processesIn(launch)).toEqual([]);
    await untilExited(other);
  });
});

describe('a controller that is gone', { timeout: AT_LENGTH_MS }, () => {
  it('is no reason for a wrong answer, neither while it is down nor right after it is back', async () => {
    const [stays, ends, waits] = [await newLaunch(), await newLaunch(), await newLaunch()];
    await launcherFor().start(stays, programOf(SAVES));
    await launcherFor().start(ends, programOf('echo begun >>begun; until [ -e go ]; do sleep 0.1; done'));
    await untilBegun(stays);
    await untilBegun(ends);
    onTestFinished(() => slurm.startController());
    await slurm.saveState();
    await slurm.killController();
    const unreachable = { code: 'SLURM_UNREACHABLE', retryable: true, message: expect.stringContaining('contact') };
    await Promise.all([
      expect(launcherFor().state(stays)).rejects.toMatchObject(unreachable),
      expect(launcherFor().stop(stays, 'checkpoint')).rejects.toMatchObject(unreachable),
      expect(launcherFor().start(waits, programOf(SAVES))).rejects.toMatchObject(unreachable),
    ]);
    await writeFile(path.join(ends.folder, 'go'), '');
    await waitAtLength('one has ended', async () => (await textOf(ends, 'exit.json')) !== '', 50);
    expect(await launcherFor().state(ends)).toEqual({ kind: 'exited', exitCode: 0, reason: null });
    await slurm.startController();
    expect(await launcherFor().state(stays)).toEqual({ kind: 'running' });
    expect(await launcherFor().state(waits)).toEqual({ kind: 'absent' });
    await launcherFor().stop(stays, 'checkpoint');
    expect(await untilExited(stays)).toMatchObject({ exitCode: 75 });
  });

  it('and its tools missing: says which', async () => {
    const launch = await newLaunch();
    const launcher = createSlurmLauncher({}, { environment: { PATH: '/nowhere' } });
    await expect(launcher.state(launch)).rejects.toMatchObject({
      code: 'SLURM_UNREACHABLE',
      message: expect.stringContaining("squeue is not on this worker's PATH"),
    });
  });
});

describe('a job that Slurm does not know', { timeout: AT_LENGTH_MS }, () => {
  /** What lies in the folder when a controller took job 1 and lost it; 1 is somebody else's by now. */
  async function lostLaunch(): Promise<Launch & { readonly alive: string }> {
    const launch = await newLaunch();
    await writeFile(path.join(launch.folder, 'slurm.json'), JSON.stringify({ token: launch.token, jobId: 1 }));
    const mark = path.join(launch.folder, `slurm.${launch.token}`);
    await mkdir(mark);
    await writeFile(path.join(mark, 'alive'), '');
    return { ...launch, alive: path.join(mark, 'alive') };
  }
  /** A job script as Slurm would run it, and does not. */
  async function runUnknown(launch: Launch, script: string): Promise<ChildProcess> {
    const wrapper = fileURLToPath(new URL('../../../adapters/trainer/launch.sh', import.meta.url));
    const job = path.join(launch.folder, 'job');
    await writeFile(job, jobScript(launch, programOf(script), wrapper));
    const log = await open(path.join(launch.folder, 'trainer.log'), 'a');
    const environment = { PATH: '/usr/bin:/bin' };
    const running = spawn('/bin/sh', [job], {
      cwd: launch.folder,
      env: environment,
      stdio: ['ignore', log.fd, log.fd],
    });
    await log.close();
    return running;
  }
  const letOld = (file: string) => utimes(file, new Date(Date.now() - 120_000), new Date(Date.now() - 120_000));

  it('runs for as long as it shows life, and nothing is submitted beside it', async () => {
    const launch = await lostLaunch();
    expect(await launcherFor().state(launch)).toEqual({ kind: 'running' });
    await launcherFor().start(launch, programOf('exit 0'));
    expect(await jobsOf(launch)).toEqual([]);
  });

  it('has ended when it shows none, also while its supervisor keeps the lease', async () => {
    const launch = await lostLaunch();
    await letOld(launch.alive);
    expect(await launcherFor().state(launch)).toEqual({ kind: 'exited', exitCode: null, reason: null });
  });

  it('keeps its exit code', async () => {
    const launch = await lostLaunch();
    await writeFile(path.join(launch.folder, 'exit.json'), JSON.stringify({ token: launch.token, exitCode: 70 }));
    expect(await launcherFor().state(launch)).toEqual({ kind: 'exited', exitCode: 70, reason: null });
  });

  it('ends itself as soon as another launch has its folder', async () => {
    const launch = await newLaunch();
    await launcherFor().start(launch, programOf(STUBBORN));
    await untilBegun(launch);
    await writeFile(path.join(launch.folder, 'launch'), '0011223344556677');
    expect(await untilExited(launch)).toMatchObject({ kind: 'exited', exitCode: null });
    expect(await processesIn(launch)).toEqual([]);
    expect(await readFile(path.join(launch.folder, 'trainer.log'), 'utf8')).toContain('another launch has this folder');
  });

  it('ends its trainer for another launch even when its script was killed, and then nothing of it is left', async () => {
    const launch = await newLaunch();
    const script = await runUnknown(launch, STUBBORN);
    await untilBegun(launch);
    script.kill('SIGKILL');
    await writeFile(path.join(launch.folder, 'launch'), '0011223344556677');
    await waitAtLength('all have ended', async () => (await processesOf(launch.folder)).length === 0, 50);
  });

  it.each([
    ['checkpoint', 75],
    ['kill', null],
  ] as const)('hears %s all the same', async (how, exitCode) => {
    const launch = await newLaunch();
    await runUnknown(launch, SAVES);
    await untilBegun(launch);
    expect(await launcherFor().state(launch)).toEqual({ kind: 'running' });
    await launcherFor().stop(launch, how);
    expect(await untilExited(launch)).toEqual({ kind: 'exited', exitCode, reason: null });
  });

  it('is what counts when Slurm starts the launch a second time, and that one does nothing', async () => {
    const launch = await newLaunch();
    await runUnknown(launch, SAVES);
    await untilBegun(launch);
    const again = ['--job-name', `regraft-${launch.token}`, '--output=/dev/null', path.join(launch.folder, 'job')];
    await slurm.run('sbatch', ...again);
    await waitAtLength('the second has ended', async () => (await jobsOf(launch))[0]?.endsWith('FAILED') ?? false, 50);
    expect(await launcherFor().state(launch)).toEqual({ kind: 'running' });
    expect(await textOf(launch, 'begun')).toBe('begun\n');
    await launcherFor().stop(launch, 'checkpoint');
    expect(await untilExited(launch)).toEqual({ kind: 'exited', exitCode: 75, reason: null });
  });
});
