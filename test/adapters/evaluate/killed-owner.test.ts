import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { CommandSuite, LmEvalSuite } from '../../../activities/ports.ts';
import { isAlive, readProcessIdentity } from '../../../adapters/process/process-identity.ts';
import { openFsWorkspace } from '../../../adapters/workspace/fs-workspace.ts';
import { digestOf } from '../../support/lineage-values.ts';
import type { EvaluateAlone } from '../../support/evaluate-alone.ts';
import { temporaryFolder } from '../../support/safetensors.ts';
import { killProcessesOf, processesOf } from '../../support/processes-of.ts';
import { waitUntil } from '../../support/wait-until.ts';

const SCRIPT = fileURLToPath(new URL('../../support/evaluate-alone.ts', import.meta.url));

/** Says who runs, itself and a child of its own, does not hear SIGTERM, and waits. */
const waits = (folder: string): string =>
  `trap '' TERM; sleep 60 & echo "$$ $!" > "${folder}/pids.partial"; mv "${folder}/pids.partial" "${folder}/pids"; wait`;

async function start(suite: CommandSuite | LmEvalSuite, python = 'none'): Promise<ChildProcess> {
  const work = path.join(suite.folder, 'work');
  const alone: EvaluateAlone = { work, python, suite };
  const child = spawn(process.execPath, ['--import', 'tsx', SCRIPT, JSON.stringify(alone)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await killProcessesOf(suite.folder);
  });
  return Promise.resolve(child);
}

/** The program and its child, once they run. */
async function started(folder: string) {
  const text = await waitUntil('the program has started', () =>
    readFile(path.join(folder, 'pids'), 'utf8').catch(() => null),
  );
  return Promise.all(text.split(' ').map((pid) => readProcessIdentity(Number(pid))));
}

async function killed(owner: ChildProcess): Promise<void> {
  const gone = once(owner, 'exit');
  owner.kill('SIGKILL');
  await gone;
}

const suiteOf = (folder: string) => ({ name: 'own', digest: digestOf('own'), unit: 'share', folder }) as const;

function commandSuite(folder: string): CommandSuite {
  const command = ['sh', '-c', waits(folder), 'sh', '{output}'];
  return {
    ...{ kind: 'command', ...suiteOf(folder), ids: null },
    definition: { name: 'own', harness: 'command', version: '1', unit: 'share', command },
  };
}

function lmEvalSuite(folder: string): LmEvalSuite {
  return {
    ...{ kind: 'lm-eval', ...suiteOf(folder) },
    definition: {
      ...{ name: 'own', harness: 'lm-eval', task: 'own', metric: 'acc', unit: 'share', dtype: 'float32' },
      ...{ applyChatTemplate: false, batchSize: 1, device: 'cpu' },
    },
  };
}

/** A stand-in for Python that has lm-eval. */
async function standIn(folder: string): Promise<string> {
  const python = path.join(folder, 'python');
  const versions = '{"lm_eval":"0.4.9","transformers":"5","tokenizers":"1","torch":"2"}';
  await writeFile(python, `#!/bin/sh\nif [ "$1" = -c ]; then echo '${versions}'; exit; fi\n${waits(folder)}\n`);
  await chmod(python, 0o755);
  return python;
}

describe('a worker that is killed with -9 while a program scores', () => {
  it.each(['command', 'lm-eval'] as const)(
    'takes the program of %s with it, and the next sweeps its folder',
    async (harness) => {
      const folder = await temporaryFolder();
      const suite = harness === 'command' ? commandSuite(folder) : lmEvalSuite(folder);
      const owner = await start(suite, harness === 'command' ? undefined : await standIn(folder));
      const processes = await started(folder);
      const scratch = path.join(folder, 'work', 'scratch');
      const [left = ''] = await readdir(scratch);
      expect(await readdir(path.join(scratch, left))).toEqual([expect.stringMatching(`^${harness}-[0-9a-f]{8}$`)]);

      await killed(owner);
      await waitUntil('the program and its child have ended', async () =>
        (await Promise.all(processes.map(isAlive))).every((alive) => !alive),
      );
      await waitUntil('nothing of the evaluation runs', async () => (await processesOf(folder)).length === 0);

      expect(await readdir(scratch)).toEqual([left]);
      await openFsWorkspace(path.join(folder, 'work'));
      expect(await readdir(scratch)).not.toContain(left);
    },
    60_000,
  );

  it('takes a program with it that it has just told to stop, and that takes its time', async () => {
    const folder = await temporaryFolder();
    const owner = await start(commandSuite(folder));
    const [program] = await started(folder);
    owner.kill('SIGTERM');
    await once(owner.stdout ?? owner, 'data');
    expect(await isAlive(program!)).toBe(true);
    await killed(owner);
    await waitUntil('the program has ended', async () => !(await isAlive(program!)));
  }, 60_000);
});
