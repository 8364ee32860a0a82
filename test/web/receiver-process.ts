import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { PROJECT_ROOT } from '../../workers/settings.ts';

/** `regraft receive` as a process of its own. */
export interface ReceiverProcess {
  /** Of /hub. */
  readonly url: string;
  readonly pid: number;
  /** Ends it, and resolves with all that it printed; null: it was ended before. */
  end(signal: NodeJS.Signals): Promise<{ readonly output: string; readonly exitCode: number | null }>;
}

/** Starts one and waits until it listens; fails with what it printed when it ends before. */
export async function startReceiverProcess(
  environment: NodeJS.ProcessEnv,
  ...args: readonly string[]
): Promise<ReceiverProcess> {
  const program = path.join(PROJECT_ROOT, 'bin', 'regraft.mjs');
  const child = spawn(process.execPath, [program, 'receive', ...args], {
    env: { PATH: process.env['PATH'], ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = Promise.all([text(child.stdout), text(child.stderr)]).then((both) => both.join(''));
  const exit = once(child, 'exit');
  const listening = new Promise<string>((resolve) => {
    let soFar = '';
    child.stdout.on('data', (chunk: Buffer) => {
      soFar += chunk.toString();
      const [url] = /http:\S+\/hub/.exec(soFar) ?? [];
      if (url !== undefined) resolve(url);
    });
  });
  const ended = exit.then(async () => {
    throw new Error(`regraft receive ended before it listened: ${await output}`);
  });
  const url = await Promise.race([listening, ended]);
  return {
    url,
    pid: child.pid ?? 0,
    async end(signal) {
      child.kill(signal);
      await exit;
      return { output: await output, exitCode: child.exitCode };
    },
  };
}
