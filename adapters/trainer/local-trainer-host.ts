import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { appendFile, open, rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { TrainerHost, TrainerState } from '../../activities/ports.ts';
import { RegraftError } from '../../contracts/error.ts';
import { isAlive } from '../process/process-identity.ts';
import { isErrno, writeFileAtomic } from '../store/atomic-file.ts';
import { listCheckpoints, removeCheckpointsAfter, verifyCheckpoint } from './checkpoint-folders.ts';
import { readTrainingSteps } from './training-steps.ts';
import {
  attemptSchema,
  errorSchema,
  exitSchema,
  identitySchema,
  jsonLines,
  readSmall,
  readText,
  startSchema,
} from './trainer-folder.ts';

const LAUNCHER = fileURLToPath(new URL('launch.sh', import.meta.url));
const START_TIMEOUT_MS = 20_000;
const LOG_TAIL_LINES = 15;

export interface LocalTrainerOptions {
  /** Program and leading arguments; the training folder is added as the last one. */
  readonly command: readonly [string, ...string[]];
  /** The whole environment of a trainer: an allow-list that the caller made. */
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * Trainers as detached process groups on this machine. Everything about one lies in its folder, so any later process can
 * find it: `trainer.json` says who it is, `exit.json` how it ended, `trainer.log` what it said.
 */
export function createLocalTrainerHost(options: LocalTrainerOptions): TrainerHost {
  return {
    state: stateOf,
    async start(folder, { resumeFrom, ...job }) {
      if ((await stateOf(folder)).kind === 'running') {
        throw new RegraftError(
          'TRAINER_ALREADY_RUNNING',
          `A trainer already runs in ${folder}; adopt it or end it first.`,
        );
      }
      const attempt = ((await readSmall(folder, 'job.json', attemptSchema))?.attempt ?? 0) + 1;
      for (const stale of ['trainer.json', 'exit.json', 'error.json'])
        await rm(path.join(folder, stale), { force: true });
      await removeCheckpointsAfter(folder, resumeFrom === null ? 0 : stepOf(resumeFrom));
      await writeFileAtomic(
        path.join(folder, 'job.json'),
        JSON.stringify({ schema: 'regraft.job/1', attempt, ...job, resumeFrom }, null, 2),
      );
      await launch(folder, options);
    },
    noteStart: (folder, start) => appendFile(path.join(folder, 'starts.jsonl'), `${JSON.stringify(start)}\n`),
    async starts(folder) {
      const text = (await readText(path.join(folder, 'starts.jsonl'))) ?? '';
      return jsonLines(text).map((value) => startSchema.parse(value));
    },
    async stop(folder, how) {
      const identity = await readSmall(folder, 'trainer.json', identitySchema);
      if (identity !== null && (await isAlive(identity)))
        signalGroup(identity.pid, how === 'kill' ? 'SIGKILL' : 'SIGTERM');
    },
    checkpoints: listCheckpoints,
    verify: verifyCheckpoint,
    readSteps: readTrainingSteps,
    async lastWords(folder) {
      // A trainer that was killed may leave half an error.json: then its log has to do.
      const error = await readSmall(folder, 'error.json', errorSchema).catch(() => null);
      if (error !== null) return error.message;
      const log = (await readText(path.join(folder, 'trainer.log'))) ?? '';
      const tail = log.trim().split('\n').slice(-LOG_TAIL_LINES).join('\n');
      return tail === '' ? 'it left no log' : `the end of its log:\n${tail}`;
    },
  };
}

async function stateOf(folder: string): Promise<TrainerState> {
  const identity = await readSmall(folder, 'trainer.json', identitySchema);
  if (identity === null) return { kind: 'absent' };
  const alive = await isAlive(identity);
  const exit = await readSmall(folder, 'exit.json', exitSchema);
  if (exit?.token === identity.token) return { kind: 'exited', exitCode: exit.exitCode };
  return alive ? { kind: 'running' } : { kind: 'exited', exitCode: null };
}

async function launch(folder: string, { command, environment }: LocalTrainerOptions): Promise<void> {
  const token = randomBytes(8).toString('hex');
  const log = await open(path.join(folder, 'trainer.log'), 'a');
  try {
    const child = spawn('/bin/sh', [LAUNCHER, folder, token, ...command, folder], {
      cwd: folder,
      env: environment,
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
    });
    child.on('error', () => undefined); // seen below: a launcher that did not start leaves no identity
    child.unref();
  } finally {
    await log.close();
  }
  for (let waitedMs = 0; waitedMs < START_TIMEOUT_MS; waitedMs += 20) {
    const identity = await readSmall(folder, 'trainer.json', identitySchema);
    if (identity?.token === token) return;
    await setTimeout(20);
  }
  throw new RegraftError(
    'TRAINER_START_FAILED',
    `The trainer in ${folder} left no identity within ${String(START_TIMEOUT_MS / 1000)} s; see trainer.log there.`,
    { retryable: true },
  );
}

function stepOf(checkpoint: string): number {
  return Number(checkpoint.slice(checkpoint.lastIndexOf('-') + 1));
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if (!isErrno(error, 'ESRCH')) throw error;
  }
}
