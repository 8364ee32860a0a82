import { spawn, type ChildProcess } from 'node:child_process';
import { messageOf, RegraftError } from '../../../contracts/error.ts';
import { isErrno } from '../../store/atomic-file.ts';

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
 * Runs a program to its end, in a process group of its own that does not outlive this call. Aborting ends the group (SIGTERM,
 * after five seconds SIGKILL) and rejects with the signal's reason.
 *
 * Errors: EVALUATE_PROGRAM_MISSING; EVALUATE_PROGRAM_FAILED with the program's last words, retryable when a signal from
 * outside ended it.
 */
export async function runProgram({ command, folder, environment, signal, onOutput }: ProgramRun): Promise<void> {
  signal.throwIfAborted();
  const [program = '', ...args] = command;
  const child = spawn(program, args, {
    cwd: folder,
    env: environment,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
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
    const ended = await endOf(child, program);
    signal.throwIfAborted();
    if (ended !== null) throw failed(command, ended, output);
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

/** Null when it ended well, otherwise what ended it. */
async function endOf(
  child: ChildProcess,
  program: string,
): Promise<{ readonly what: string; readonly killed: boolean } | null> {
  return new Promise((resolve, reject) => {
    child.on('error', (cause) => {
      const message = `Program ${program} cannot be started (${messageOf(cause)}); name one that is there.`;
      reject(new RegraftError('EVALUATE_PROGRAM_MISSING', message, { cause }));
    });
    // `exit`, not `close`: a grandchild may hold the pipes open.
    child.on('exit', (code, signalName) => {
      if (code === 0) resolve(null);
      else if (signalName === null) resolve({ what: `exit code ${String(code)}`, killed: false });
      else resolve({ what: `signal ${signalName}`, killed: true });
    });
  });
}

function failed(
  command: readonly string[],
  { what, killed }: { readonly what: string; readonly killed: boolean },
  output: string,
): RegraftError {
  const lines = output.split(/[\r\n]+/).filter((line) => line.trim() !== '');
  const words = lines.slice(-LAST_LINES).join('\n');
  const said = words === '' ? 'it said nothing' : `its last words:\n${words}`;
  return new RegraftError('EVALUATE_PROGRAM_FAILED', `${command.join(' ')} ended with ${what}; ${said}`, {
    retryable: killed,
    details: { command, output },
  });
}
