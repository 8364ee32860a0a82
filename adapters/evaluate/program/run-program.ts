import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { messageOf, RegraftError } from '../../../contracts/error.ts';
import { isErrno } from '../../store/atomic-file.ts';

const WITH_OWNER = fileURLToPath(new URL('with-owner.sh', import.meta.url));
/** As shells have it: a program that may not be run, and one that is not there. */
const NOT_STARTED: readonly (number | null)[] = [126, 127];
/** Characters of a program's output that are kept to say why it failed. */
const KEPT = 4000;
const LAST_LINES = 5;
/** How long a program that is told to stop has until it is killed. */
const GRACE_MS = 5000;

export interface ProgramRun {
  /** Program and arguments. */
  readonly command: readonly string[];
  readonly folder: string;
  /** All of its environment. */
  readonly environment: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  /** Called with everything it prints, on either stream, as it comes. */
  readonly onOutput?: (text: string) => void;
}

/**
 * Runs a program to its end, in a process group of its own that outlives neither this call nor this process, `kill -9`
 * included. Aborting ends the group (SIGTERM, after five seconds SIGKILL) and rejects with the signal's reason.
 *
 * Errors, with the program's last words: EVALUATE_PROGRAM_MISSING for the exit codes that say so (126, 127), also of a shell
 * that did not find what it should run; EVALUATE_PROGRAM_FAILED, retryable when a signal from outside ended it.
 */
export async function runProgram({ command, folder, environment, signal, onOutput }: ProgramRun): Promise<void> {
  signal.throwIfAborted();
  const child = spawn('/bin/sh', [WITH_OWNER, ...command], {
    cwd: folder,
    env: environment,
    detached: true,
    stdio: 'pipe', // its standard input closes with this process
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-KEPT);
      onOutput?.(text);
    });
  }
  const stop = ending(child);
  signal.addEventListener('abort', stop.begin);
  try {
    const end = await endOf(child, folder);
    signal.throwIfAborted();
    if (end.exitCode !== 0) throw failed(command, end, output);
  } finally {
    signal.removeEventListener('abort', stop.begin);
    stop.kill();
  }
}

/** How a group is ended: kindly at first, and for good. */
function ending(child: ChildProcess): { readonly begin: () => void; readonly kill: () => void } {
  let timer: NodeJS.Timeout | undefined;
  const kill = (): void => {
    clearTimeout(timer);
    signalGroup(child, 'SIGKILL');
  };
  const begin = (): void => {
    signalGroup(child, 'SIGTERM');
    timer = setTimeout(kill, GRACE_MS);
  };
  return { begin, kill };
}

function signalGroup({ pid }: ChildProcess, name: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, name);
  } catch (error) {
    if (!isErrno(error, 'ESRCH')) throw error; // all of it has ended
  }
}

/** How it ended: one of the two is null. */
interface End {
  readonly exitCode: number | null;
  readonly signalName: NodeJS.Signals | null;
}

async function endOf(child: ChildProcess, folder: string): Promise<End> {
  return new Promise((resolve, reject) => {
    child.on('error', (cause) => {
      const message = `No program can be started in ${folder} (${messageOf(cause)}); is the suite's folder still there?`;
      reject(new RegraftError('EVALUATE_PROGRAM_MISSING', message, { cause }));
    });
    // `exit`, not `close`: a grandchild may hold the pipes open.
    child.on('exit', (exitCode, signalName) => {
      resolve({ exitCode, signalName });
    });
  });
}

function failed(command: readonly string[], { exitCode, signalName }: End, output: string): RegraftError {
  const lines = output.split(/[\r\n]+/).filter((line) => line.trim() !== '');
  const words = lines.slice(-LAST_LINES).join('\n');
  const said = words === '' ? 'it said nothing' : `its last words:\n${words}`;
  const details = { command, output };
  if (NOT_STARTED.includes(exitCode)) {
    const message = `Program ${command[0] ?? ''} cannot be started (exit code ${String(exitCode)}), or it did not find one that it runs; name one that is there; ${said}`;
    return new RegraftError('EVALUATE_PROGRAM_MISSING', message, { details });
  }
  const how = signalName === null ? `exit code ${String(exitCode)}` : `signal ${signalName}`;
  return new RegraftError('EVALUATE_PROGRAM_FAILED', `${command.join(' ')} ended with ${how}; ${said}`, {
    retryable: signalName !== null,
    details,
  });
}
