import { open, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { isErrno, writeFileAtomic } from '../../store/atomic-file.ts';
import type { Launch } from '../launcher.ts';
import { exitSchema, readSmall } from '../trainer-folder.ts';

/** A job leaves a sign of life every few seconds; one that Slurm does not know is taken to run this long after its last. */
const FRESH_SECONDS = 60;
const submissionSchema = z.object({ token: z.string(), jobId: z.int().nullable() });

/** Notes what is submitted, before (`jobId` null) and after; replaces what was noted of another launch. */
export async function noteSubmission({ folder, token }: Launch, jobId: number | null): Promise<void> {
  await writeFileAtomic(path.join(folder, 'slurm.json'), JSON.stringify({ token, jobId }));
}

/** True when Slurm once took the launch, as far as the folder can tell. */
export async function wasTaken({ folder, token }: Launch): Promise<boolean> {
  const noted = await readSmall(folder, 'slurm.json', submissionSchema);
  if (noted?.token === token && noted.jobId !== null) return true;
  return (await startedTokens(folder)).includes(token);
}

/** Tokens of all launches that the folder knows of. */
export async function knownTokens(folder: string): Promise<readonly string[]> {
  const noted = await readSmall(folder, 'slurm.json', submissionSchema);
  return [...new Set([...(noted === null ? [] : [noted.token]), ...(await startedTokens(folder))])];
}

/** The trainer's exit code; null: it has left none. */
export async function exitCodeOf({ folder, token }: Launch): Promise<number | null> {
  // Writing here first makes a network file system look again instead of remembering that the file was not there.
  await touchNow(folder);
  const exit = await readSmall(folder, 'exit.json', exitSchema);
  return exit?.token === token ? exit.exitCode : null;
}

/** True while its job script runs. Both times are of the file system, so that clocks of hosts do not matter. */
export async function showsLife({ folder, token }: Launch): Promise<boolean> {
  const nowMs = await touchNow(folder);
  const seenMs = await modifiedMs(path.join(markOf({ folder, token }), 'alive'));
  return nowMs !== null && seenMs !== null && nowMs - seenMs < FRESH_SECONDS * 1000;
}

/** True when Slurm ran the job script a second time: what Slurm says is about that one, which did nothing. */
export async function wasStartedAgain({ folder, token }: Launch): Promise<boolean> {
  return (await modifiedMs(path.join(markOf({ folder, token }), 'again'))) !== null;
}

/** Hands a signal to a job script that Slurm does not know; it looks every few seconds. The last one counts. */
export async function leaveSignal(launch: Launch, signal: 'USR1' | 'TERM' | 'KILL'): Promise<void> {
  await writeFileAtomic(path.join(markOf(launch), 'stop'), signal);
}

/** Removes what earlier launches left that would be taken for this one's. They must have ended. */
export async function clearTraces({ folder, token }: Launch): Promise<void> {
  const started = (await startedTokens(folder)).filter((other) => other !== token).map((other) => `slurm.${other}`);
  for (const stale of ['trainer.json', 'exit.json', 'error.json', ...started])
    await rm(path.join(folder, stale), { recursive: true, force: true });
}

/** The job script's own folder. */
function markOf({ folder, token }: Launch): string {
  return path.join(folder, `slurm.${token}`);
}

/** A job script's first act is to make a folder with the token in its name. */
async function startedTokens(folder: string): Promise<readonly string[]> {
  const names = await unlessGone(readdir(folder));
  return (names ?? []).flatMap((name) => /^slurm\.([0-9a-f]{16})$/.exec(name)?.[1] ?? []);
}

async function touchNow(folder: string): Promise<number | null> {
  const probe = path.join(folder, 'slurm.now');
  await unlessGone(writeFile(probe, '\n'));
  return modifiedMs(probe);
}

/** Opened, not only looked up: a network file system answers a look-up from memory. */
async function modifiedMs(file: string): Promise<number | null> {
  const handle = await unlessGone(open(file, 'r'));
  if (handle === null) return null;
  try {
    return (await handle.stat()).mtimeMs;
  } finally {
    await handle.close();
  }
}

/** Null when the file, or its folder, is not there. */
async function unlessGone<Value>(answer: Promise<Value>): Promise<Value | null> {
  return answer.catch((error: unknown) => {
    if (isErrno(error, 'ENOENT')) return null;
    throw error;
  });
}
