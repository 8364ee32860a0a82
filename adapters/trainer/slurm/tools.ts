import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { RegraftError } from '../../../contracts/error.ts';
import { decisiveJob, parseJobId, parseQueue, QUEUE_FORMAT, type SlurmJob } from './queue.ts';

/** A controller that is down is tried for about ten seconds by the tools themselves; sbatch goes on for ever. */
const ANSWER_WITHIN_MS = 30_000;
const execute = promisify(execFile);

/** Slurm as its command-line tools show it. Jobs are known by their names alone. */
export interface SlurmTools {
  /** What stands for the name; null: Slurm answers and knows none. @throws SLURM_UNREACHABLE, retryable */
  jobOf(name: string): Promise<SlurmJob | null>;
  /** Submits a script; its id. Twice makes two jobs. @throws TRAINER_START_FAILED, retryable, with what sbatch said */
  submit(name: string, flags: readonly string[], script: string): Promise<number>;
  /** Signals or cancels the jobs of a name; nothing happens when there is none. @throws SLURM_UNREACHABLE, retryable */
  cancel(name: string, flags: readonly string[]): Promise<void>;
}

/** `environment`: of this process; the tools see their configuration in it and none of their switches. */
export function createSlurmTools(environment: Readonly<Record<string, string | undefined>>): SlurmTools {
  const visible = toolEnvironment(environment);
  return {
    async jobOf(name) {
      const flags = ['--noheader', '--states=all', `--name=${name}`, `--format=${QUEUE_FORMAT}`];
      const answer = await runTool('squeue', flags, visible);
      if (answer.failure !== null) throw unreachable('squeue', answer.failure);
      return decisiveJob(parseQueue(answer.output));
    },
    async submit(name, flags, script) {
      const answer = await runTool('sbatch', flags, visible, script);
      const id = answer.failure === null ? parseJobId(answer.output) : null;
      if (id !== null) return id;
      const said = answer.failure ?? `"${answer.output.trim()}" instead of a job's id`;
      throw new RegraftError(
        'TRAINER_START_FAILED',
        `Slurm took no job ${name}; sbatch: ${said}. Check launcher.slurm of the lineage file, and the controller (scontrol ping).`,
        { retryable: true, details: { name, said } },
      );
    },
    async cancel(name, flags) {
      const { failure } = await runTool('scancel', [...flags, `--name=${name}`], visible);
      if (failure !== null && !IS_OVER.test(failure)) throw unreachable('scancel', failure);
    },
  };
}

/** scancel lists jobs, then acts on each: one may have ended, or not have begun, in between. */
const IS_OVER = /already completing or completed|Invalid job id|is pending execution/i;

/**
 * Of the variables with Slurm's own prefixes only those that say where the cluster is: the others would change what the
 * tools print or submit (SQUEUE_PARTITION hides jobs, SBATCH_REQUEUE requeues), also in a worker that is a job itself.
 */
function toolEnvironment(environment: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string>> {
  const names = ['PATH', 'HOME', 'USER', 'LD_LIBRARY_PATH', 'SLURM_CONF', 'SLURM_CONF_SERVER', 'SLURM_JWT'];
  return Object.fromEntries(
    names.flatMap((name) => (environment[name] === undefined ? [] : [[name, environment[name]]])),
  );
}

/** `failure` null: it ended with 0. */
interface ToolAnswer {
  readonly output: string;
  readonly failure: string | null;
}

async function runTool(
  tool: string,
  flags: readonly string[],
  environment: Readonly<Record<string, string>>,
  input = '',
): Promise<ToolAnswer> {
  const running = execute(tool, flags, { env: environment, timeout: ANSWER_WITHIN_MS, killSignal: 'SIGKILL' });
  running.child.stdin?.on('error', () => undefined); // it ended without reading: its exit code and words say why
  running.child.stdin?.end(input);
  return running.then(
    ({ stdout }) => ({ output: stdout, failure: null }),
    (error: unknown) => ({ output: '', failure: wordsOf(tool, error) }),
  );
}

function wordsOf(tool: string, error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if ('code' in error && error.code === 'ENOENT') return `${tool} is not on this worker's PATH`;
  if ('killed' in error && error.killed === true) return `no answer within ${String(ANSWER_WITHIN_MS / 1000)} s`;
  const said = 'stderr' in error && typeof error.stderr === 'string' ? error.stderr.trim() : '';
  return said === '' ? error.message : said;
}

function unreachable(tool: string, said: string): RegraftError {
  return new RegraftError(
    'SLURM_UNREACHABLE',
    `Slurm did not answer ${tool}: ${said}. Nothing is concluded about its jobs, it is asked again; check the controller (scontrol ping).`,
    { retryable: true, details: { tool, said } },
  );
}
