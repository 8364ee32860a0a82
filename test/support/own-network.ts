import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile } from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { PROJECT_ROOT } from '../../workers/settings.ts';

const READY_TIMEOUT_MS = 120_000;
const RELAY = fileURLToPath(new URL('relay.mjs', import.meta.url));
/** Networks, process ids and host name of its own; everything in it ends with it. */
const ISOLATED = ['--map-root-user', '--net', '--uts', '--pid', '--fork', '--kill-child', '--mount-proc'];
/** Where the relay listens, in every network of its own. */
const INSIDE_PORT = 7233;

/** A machine of its own, as far as one kernel can have several: a worker on it reaches nothing but one address. */
export interface OwnMachine {
  /** The machine is gone, with all that ran on it. */
  vanish(): Promise<void>;
}

/** Whether this machine lets a test make namespaces; where not, machines differ by their folders only. */
export async function canIsolate(): Promise<boolean> {
  return promisify(execFile)('unshare', [...ISOLATED, 'ip', 'link', 'set', 'lo', 'up']).then(
    () => true,
    () => false,
  );
}

/** Passes what comes to a unix socket on to a port of this machine. */
export async function startWayOut(socket: string, port: number): Promise<net.Server> {
  const server = net.createServer((inside) => {
    const outside = net.connect(port, '127.0.0.1');
    inside.pipe(outside).pipe(inside);
    inside.on('error', () => outside.destroy());
    outside.on('error', () => inside.destroy());
  });
  server.listen(socket);
  await once(server, 'listening');
  return server;
}

/**
 * Starts `regraft worker` on a machine of this name whose only way out is a unix socket; returns when it is ready. In its
 * environment TEMPORAL_ADDRESS becomes that way out.
 */
export async function startOwnMachine(options: {
  readonly name: string;
  readonly socket: string;
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly isolate: boolean;
  readonly log: string;
}): Promise<OwnMachine> {
  const { name, socket, isolate, log } = options;
  const worker = [path.join(PROJECT_ROOT, 'bin', 'regraft.mjs'), 'worker', ...options.args];
  // The relay has no part in the channel by which the worker says that it is ready.
  const script = `ip link set lo up && hostname ${name} || exit 9
    NODE_CHANNEL_FD= "$0" ${RELAY} ${String(INSIDE_PORT)} ${socket} 3>&- &
    "$0" "$@"; exit $?`;
  const output = await open(log, 'a');
  const child = spawn(
    isolate ? 'unshare' : process.execPath,
    isolate ? [...ISOLATED, 'sh', '-c', script, process.execPath, ...worker] : worker,
    {
      cwd: PROJECT_ROOT,
      env: { ...options.environment, ...(isolate && { TEMPORAL_ADDRESS: `localhost:${String(INSIDE_PORT)}` }) },
      stdio: ['ignore', output.fd, output.fd, 'ipc'],
    },
  );
  await output.close();
  const ended = once(child, 'exit');
  const given = new AbortController();
  const late = setTimeout(READY_TIMEOUT_MS, null, { signal: given.signal, ref: false }).catch(() => null);
  const first = await Promise.race([once(child, 'message'), ended.then(() => null), late]);
  given.abort();
  const vanish = async (): Promise<void> => {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await ended;
  };
  if (first !== null) return { vanish };
  await vanish();
  throw new Error(`the worker on ${name} did not get ready:\n${(await readFile(log, 'utf8')).slice(-3000)}`);
}
