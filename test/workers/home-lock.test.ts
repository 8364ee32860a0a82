import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readProcessIdentity, type ProcessIdentity } from '../../adapters/process/process-identity.ts';
import { takeHome } from '../../workers/home-lock.ts';
import { temporaryFolder } from '../support/safetensors.ts';

const lockOf = (home: string): string => path.join(home, 'up.json');
const holderOf = async (home: string): Promise<unknown> => JSON.parse(await readFile(lockOf(home), 'utf8'));

/** A process of its own; with `kill`, one that has ended. */
async function otherProcess(kill = false): Promise<ProcessIdentity> {
  const child = spawn('sleep', ['60'], { stdio: 'ignore' });
  onTestFinished(() => void child.kill('SIGKILL'));
  const identity = await readProcessIdentity(child.pid ?? 0);
  if (kill) {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  return identity;
}

describe('the lock on a home folder', () => {
  it('is taken with the folder made, and names its holder', async () => {
    const home = path.join(await temporaryFolder(), 'new', 'home');
    await takeHome(home);
    expect(await holderOf(home)).toEqual(await readProcessIdentity(process.pid));
  });

  it('is refused while its holder lives, who is named', async () => {
    const home = await temporaryFolder();
    const holder = await otherProcess();
    await writeFile(lockOf(home), JSON.stringify(holder));
    await expect(takeHome(home)).rejects.toMatchObject({
      code: 'HOME_IN_USE',
      message: `${home} is in use by process ${String(holder.pid)}; end that \`regraft up\` or \`regraft demo\` first, or choose another folder with --home.`,
      details: { pid: holder.pid },
    });
    expect(await holderOf(home)).toEqual(holder);
  });

  it('is refused to the same process too: one home has one `regraft up`', async () => {
    const home = await temporaryFolder();
    await takeHome(home);
    await expect(takeHome(home)).rejects.toMatchObject({ code: 'HOME_IN_USE' });
  });

  it('is free again once it was given back', async () => {
    const home = await temporaryFolder();
    const giveBack = await takeHome(home);
    await giveBack();
    expect(await readdir(home)).toEqual([]);
    await expect(takeHome(home)).resolves.toBeTypeOf('function');
  });

  it.each([
    ['its holder was killed', async () => JSON.stringify(await otherProcess(true))],
    [
      'another process has its holder’s number now',
      async () => JSON.stringify({ ...(await otherProcess()), startTicks: 1 }),
    ],
    ['the machine was started anew', async () => JSON.stringify({ ...(await otherProcess()), bootId: 'before' })],
    ['it is no lock of ours', async () => 'hello'],
  ])('is taken over when %s', async (_what, content) => {
    const home = await temporaryFolder();
    await writeFile(lockOf(home), await content());
    await takeHome(home);
    expect(await holderOf(home)).toEqual(await readProcessIdentity(process.pid));
    expect(await readdir(home)).toEqual(['up.json']);
  });

  it('of a dead process goes to one of those who want it at the same moment', async () => {
    const dead = JSON.stringify(await otherProcess(true));
    for (let round = 0; round < 20; round += 1) {
      const home = await temporaryFolder();
      await writeFile(lockOf(home), dead);
      const takers = await Promise.allSettled([takeHome(home), takeHome(home)]);
      expect(takers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      const refused = takers.find((taker) => taker.status === 'rejected');
      expect(refused?.reason).toMatchObject({ code: 'HOME_IN_USE' });
    }
  });
});
