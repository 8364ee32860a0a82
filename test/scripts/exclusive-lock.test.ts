import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { takeLock } from '../../scripts/lib/exclusive-lock.mjs';

let folder: string;
let lock: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'regraft-lock-'));
  lock = join(folder, 'setup.lock');
});
afterEach(() => rmSync(folder, { recursive: true }));

const heldBy = (pid: number): void => {
  mkdirSync(lock);
  writeFileSync(join(lock, 'pid'), String(pid));
};

it('makes the second wait until the first gives it back, and leaves nothing behind', async () => {
  const order: string[] = [];
  const release = await takeLock(lock, { pollMs: 5 });
  const second = takeLock(lock, { pollMs: 5, onWait: (pid: number) => order.push(`waits for ${pid}`) }).then(
    (releaseSecond) => {
      order.push('second');
      releaseSecond();
    },
  );
  await new Promise((resolve) => setTimeout(resolve, 30));
  order.push('first is done');
  release();
  await second;
  expect(order).toEqual([`waits for ${process.pid}`, 'first is done', 'second']);
  expect(readdirSync(folder)).toEqual([]);
});

it('takes over the lock of a process that is gone', async () => {
  const { pid } = spawnSync(process.execPath, ['-e', '0']);
  heldBy(pid);
  const release = await takeLock(lock, { onWait: () => expect.unreachable('a dead process holds nothing') });
  expect(existsSync(lock)).toBe(true);
  release();
  expect(readdirSync(folder)).toEqual([]);
});

it('takes over a lock that nobody has touched for more than a minute, though its process id is in use', async () => {
  heldBy(process.ppid);
  const longAgo = new Date(Date.now() - 90_000);
  utimesSync(join(lock, 'pid'), longAgo, longAgo);
  const release = await takeLock(lock, { onWait: () => expect.unreachable('nobody holds it any more') });
  release();
  expect(existsSync(lock)).toBe(false);
});
