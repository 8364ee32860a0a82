// @ts-check
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const TOUCH_EVERY_MS = 5_000;
const FORGOTTEN_AFTER_MS = 60_000;

/**
 * Waits until no other process holds the lock folder, takes it, and returns how to give it back. A lock is stale when its
 * process is gone, or when nobody has touched it for a minute (a process id can be used again after a restart).
 * @param {string} path the folder that is the lock
 * @param {{ onWait?: (pid: number) => void, pollMs?: number }} [options] onWait is called once, with the holder
 * @returns {Promise<() => void>}
 */
export async function takeLock(path, { onWait = () => undefined, pollMs = 300 } = {}) {
  mkdirSync(dirname(path), { recursive: true });
  let told = false;
  while (!tryTake(path)) {
    const holder = readHolder(path);
    if (holder === null || isStale(holder)) {
      removeStale(path, holder);
      continue;
    }
    if (!told) onWait(holder.pid);
    told = true;
    await sleep(pollMs);
  }
  const touching = setInterval(() => touch(path), TOUCH_EVERY_MS);
  touching.unref();
  const release = () => {
    clearInterval(touching);
    process.off('exit', release);
    if (readHolder(path)?.pid === process.pid) rmSync(path, { recursive: true, force: true });
  };
  process.on('exit', release);
  return release;
}

/**
 * A folder that already holds the process id is renamed into place: the lock never exists without its owner, and a rename
 * onto a folder that is not empty fails.
 * @param {string} path
 */
function tryTake(path) {
  const draft = `${path}.${process.pid}`;
  rmSync(draft, { recursive: true, force: true });
  mkdirSync(draft);
  writeFileSync(join(draft, 'pid'), String(process.pid));
  try {
    renameSync(draft, path);
    return true;
  } catch {
    rmSync(draft, { recursive: true, force: true });
    return false;
  }
}

/** @param {string} path @returns {{ pid: number, touchedMs: number } | null} null where the lock has just gone */
function readHolder(path) {
  try {
    const file = join(path, 'pid');
    return { pid: Number(readFileSync(file, 'utf8')), touchedMs: statSync(file).mtimeMs };
  } catch {
    return null;
  }
}

/** @param {{ pid: number, touchedMs: number }} holder */
function isStale(holder) {
  return !isAlive(holder.pid) || Date.now() - holder.touchedMs > FORGOTTEN_AFTER_MS;
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // A process of another user may not be signalled, but it lives.
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM';
  }
}

/**
 * Moves the stale lock aside before removing it; where somebody else had taken it in between, it is put back.
 * @param {string} path
 * @param {{ pid: number } | null} seen
 */
function removeStale(path, seen) {
  const aside = `${path}.stale.${process.pid}`;
  try {
    renameSync(path, aside);
    const moved = readHolder(aside);
    if (moved !== null && moved.pid !== seen?.pid && !isStale(moved)) renameSync(aside, path);
  } catch {
    // Gone already: somebody else removed it.
  }
  rmSync(aside, { recursive: true, force: true });
}

/** @param {string} path */
function touch(path) {
  const now = new Date();
  try {
    utimesSync(join(path, 'pid'), now, now);
  } catch {
    // The checkout was removed under us; the step that is running will say so.
  }
}
