import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it, onTestFinished } from 'vitest';
import { isAlive, ownsItsGroup, readProcessIdentity } from '../../../adapters/process/process-identity.ts';
import { waitUntil } from '../../support/wait-until.ts';

/** A child that does nothing, killed when the test is over. */
function sleeper(program = 'sleep', ...rest: readonly string[]): ChildProcess & { readonly pid: number } {
  const child = spawn(program, rest.length === 0 ? ['60'] : rest, { stdio: ['ignore', 'pipe', 'ignore'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  if (child.pid === undefined) throw new Error(`${program} did not start`);
  return Object.assign(child, { pid: child.pid });
}

describe('a process identity', () => {
  it('is of a process that is alive while it runs, its own first of all', async () => {
    const own = await readProcessIdentity(process.pid);
    expect(own.pid).toBe(process.pid);
    expect(await readProcessIdentity(process.pid)).toEqual(own);
    expect(await isAlive(own)).toBe(true);
  });

  it('does not fit another process that got the same number, or the same number of another boot', async () => {
    const own = await readProcessIdentity(process.pid);
    expect(await isAlive({ ...own, startTicks: own.startTicks - 1 })).toBe(false);
    expect(await isAlive({ ...own, bootId: '00000000-0000-0000-0000-000000000000' })).toBe(false);
  });

  it('is dead once its process was killed, and cannot be read any more', async () => {
    const child = sleeper();
    const identity = await readProcessIdentity(child.pid);
    expect(await isAlive(identity)).toBe(true);
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
    expect(await isAlive(identity)).toBe(false);
    await expect(readProcessIdentity(child.pid)).rejects.toThrow(`process ${String(child.pid)} does not run`);
  });

  it('is dead though nobody has collected it yet', async () => {
    // The shell starts a child, becomes `sleep` by exec, and so never waits for it.
    const parent = sleeper('sh', '-c', 'sleep 0.3 & echo $!; exec sleep 60');
    const [line] = (await once(parent.stdout ?? parent, 'data')) as [Buffer];
    const identity = await readProcessIdentity(Number(line.toString().trim()));
    expect(await isAlive(identity)).toBe(true);
    await waitUntil('it counts as ended', async () => !(await isAlive(identity)));
    expect(await readProcessIdentity(identity.pid)).toEqual(identity);
  });

  it('is read past a program name with spaces and brackets', async () => {
    const child = sleeper(
      process.execPath,
      '-e',
      "process.title = 'a) R 1 (b'; console.log(1); setTimeout(() => 0, 6e4)",
    );
    const before = await readProcessIdentity(child.pid);
    await once(child.stdout ?? child, 'data');
    expect(await readProcessIdentity(child.pid)).toEqual(before);
    expect(await isAlive(before)).toBe(true);
  });
});

describe('the group of a process', () => {
  it('is its own while it runs, and when it has ended and others of the group go on', async () => {
    const leader = spawn('sh', ['-c', 'sleep 60 & echo $!; wait'], {
      detached: true,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const identity = await readProcessIdentity(leader.pid ?? 0);
    onTestFinished(() => {
      process.kill(-identity.pid, 'SIGKILL');
    });
    await once(leader.stdout, 'data');
    expect(await ownsItsGroup(identity)).toBe(true);
    const gone = once(leader, 'exit');
    leader.kill('SIGKILL');
    await gone;
    expect(await isAlive(identity)).toBe(false);
    expect(await ownsItsGroup(identity)).toBe(true);
    expect(process.kill(-identity.pid, 0)).toBe(true);
  });

  it('is not that of another process that got the same number, or of another boot', async () => {
    const own = await readProcessIdentity(process.pid);
    expect(await ownsItsGroup(own)).toBe(true);
    expect(await ownsItsGroup({ ...own, startTicks: own.startTicks - 1 })).toBe(false);
    expect(await ownsItsGroup({ ...own, bootId: '00000000-0000-0000-0000-000000000000' })).toBe(false);
  });
});
