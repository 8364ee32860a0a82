import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { access, mkdir, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir, userInfo } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { readText } from '../../adapters/trainer/trainer-folder.ts';
import { freePort } from '../../workers/loopback-ports.ts';
import { waitAtLength } from './wait-at-length.ts';

const CONTROLLER = '/usr/sbin/slurmctld';
const NODE = '/usr/sbin/slurmd';
const TOOL_WITHIN_MS = 20_000;
const READY_WITHIN_MS = 60_000;
const STOP_WITHIN_MS = 10_000;
const execute = promisify(execFile);

/** A real Slurm of one node that belongs to a test, with two devices that it takes for GPUs: partitions `main`, and `high`, which takes places from `main`. */
export interface Slurm {
  /** What its tools need to find it; a tool must be given nothing else of this process' environment. */
  readonly environment: Readonly<Record<string, string>>;
  /** Runs one of its tools; what it printed. */
  run(tool: string, ...arguments_: readonly string[]): Promise<string>;
  /** Returns when all that the controller knows now is on its disk; it writes every five seconds. */
  saveState(): Promise<void>;
  /** Ends the controller on the spot (SIGKILL); jobs run on. Again: nothing. */
  killController(): Promise<void>;
  /** Starts the controller with the state that the last one left, and returns when it answers. Again: nothing. */
  startController(): Promise<void>;
  /** Ends every job and both daemons, and removes its folder; again: nothing. */
  stop(): Promise<void>;
}

/**
 * Starts Slurm on free loopback ports with a folder of its own, without munge and without accounting; returns when its
 * node is idle, in about a second. Only its own children are ever ended.
 */
export async function startSlurm(): Promise<Slurm> {
  for (const daemon of [CONTROLLER, NODE]) await assertInstalled(daemon);
  const folder = await mkdtemp(path.join(tmpdir(), 'regraft-slurm-'));
  const conf = await writeConfiguration(folder);
  const environment = { PATH: '/usr/bin:/bin', SLURM_CONF: conf };
  const controllerOf = (...more: string[]) => startDaemon(folder, environment, CONTROLLER, ['-D', ...more]);
  const slurm = {
    run: async (tool: string, ...rest: readonly string[]) =>
      (await execute(tool, rest, { env: environment, timeout: TOOL_WITHIN_MS })).stdout.trim(),
    controller: await controllerOf('-i'), // -i wipes its state: only the first time
    node: await startDaemon(folder, environment, NODE, ['-D']),
  };
  const stop = async (): Promise<void> => {
    if (!isRunning(slurm.node)) return;
    if (!isRunning(slurm.controller)) slurm.controller = await controllerOf(); // nobody else can end its jobs
    try {
      await endJobs(slurm.run);
    } finally {
      await end(slurm.node, 'SIGTERM');
      await end(slurm.controller, 'SIGTERM');
      await rm(folder, { recursive: true, force: true });
    }
  };
  const untilIdle = () =>
    untilReady(folder, () => slurm.run('sinfo', '-h', '-o', '%T', '-p', 'main'), ['idle', 'mixed', 'allocated']);
  await untilIdle().catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  return {
    environment,
    run: slurm.run,
    saveState: () => saveState(folder, slurm.run),
    killController: () => end(slurm.controller, 'SIGKILL'),
    async startController() {
      if (!isRunning(slurm.controller)) slurm.controller = await controllerOf();
      await untilIdle();
    },
    stop,
  };
}

async function assertInstalled(daemon: string): Promise<void> {
  await access(daemon).catch((error: unknown) => {
    const message = `${daemon}: not found; install Debian's package slurm-wlm (apt-get install -y --no-install-recommends slurm-wlm).`;
    throw new Error(message, { cause: error });
  });
}

async function writeConfiguration(folder: string): Promise<string> {
  for (const name of ['state', 'spool']) await mkdir(path.join(folder, name));
  await writeFile(path.join(folder, 'cgroup.conf'), 'CgroupPlugin=cgroup/v1\nCgroupAutomount=no\n');
  await writeFile(path.join(folder, 'gres.conf'), 'Name=gpu File=/dev/null\nName=gpu File=/dev/zero\n');
  const conf = path.join(folder, 'slurm.conf');
  const host = hostname().split('.')[0] ?? '';
  const controllerPort = await freePort();
  const nodePort = await freePort(controllerPort);
  await writeFile(
    conf,
    `ClusterName=regraft${String(controllerPort)}
SlurmctldHost=${host}(127.0.0.1)
SlurmctldPort=${String(controllerPort)}
SlurmdPort=${String(nodePort)}
SlurmUser=${userInfo().username}
SlurmdUser=${userInfo().username}
AuthType=auth/none
CredType=cred/none
StateSaveLocation=${folder}/state
SlurmdSpoolDir=${folder}/spool
SlurmctldPidFile=${folder}/slurmctld.pid
SlurmdPidFile=${folder}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=batch_sched_delay=0,sched_interval=1,bf_interval=1
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
ReturnToService=2
SlurmdParameters=config_overrides
GresTypes=gpu
KillWait=30
MinJobAge=600
NodeName=${host} NodeAddr=127.0.0.1 CPUs=4 CoresPerSocket=4 RealMemory=1000 Gres=gpu:2
PartitionName=main Nodes=${host} Default=YES MaxTime=INFINITE PriorityTier=1
PartitionName=high Nodes=${host} MaxTime=INFINITE PriorityTier=10
`,
  );
  return conf;
}

async function startDaemon(
  folder: string,
  environment: Readonly<Record<string, string>>,
  daemon: string,
  flags: readonly string[],
): Promise<ChildProcess> {
  const log = await open(path.join(folder, `${path.basename(daemon)}.log`), 'a');
  try {
    return spawn(daemon, flags, { env: environment, stdio: ['ignore', log.fd, log.fd] });
  } finally {
    await log.close();
  }
}

async function untilReady(folder: string, ask: () => Promise<string>, ready: readonly string[]): Promise<void> {
  const deadline = Date.now() + READY_WITHIN_MS;
  let answer = '';
  while (Date.now() < deadline) {
    answer = await ask().catch((error: unknown) => String(error)); // not up yet: asked again
    if (ready.some((state) => answer === state)) return;
    await sleep(50);
  }
  const logs = ['slurmctld', 'slurmd'].map((name) => readFile(path.join(folder, `${name}.log`), 'utf8'));
  const said = (await Promise.all(logs)).map((text) => text.slice(-2000)).join('\n');
  throw new Error(`slurm in ${folder}: its node did not get ready; sinfo: ${answer}; its daemons: ${said}`);
}

/** The state is written whole: once a job that comes last is in it, all before is. */
async function saveState(folder: string, run: Slurm['run']): Promise<void> {
  const name = `last-${randomBytes(8).toString('hex')}`;
  const id = await run('sbatch', '--parsable', '--hold', `--job-name=${name}`, '--output=/dev/null', '--wrap=true');
  await waitAtLength(
    'the controller has written its state',
    async () => ((await readText(path.join(folder, 'state', 'job_state'))) ?? '').includes(name),
    50,
  );
  await run('scancel', id);
}

/** Ends all jobs, so that nothing of them outlives the node's daemon. */
async function endJobs(run: Slurm['run']): Promise<void> {
  const user = userInfo().username;
  const deadline = Date.now() + STOP_WITHIN_MS;
  do {
    // Refused for one that ended meanwhile.
    await run('scancel', '--signal=KILL', '--full', '--user', user).catch(() => '');
    await run('scancel', '--user', user).catch(() => '');
  } while ((await run('squeue', '-h')) !== '' && Date.now() < deadline);
}

async function end(child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  if (!isRunning(child)) return;
  const exited = once(child, 'exit');
  child.kill(signal);
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS);
  await exited;
  clearTimeout(timer);
}

function isRunning(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null;
}
