import { readFile, rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { runQuietly } from '../lib/run-quietly.mjs';

const MEASURE = fileURLToPath(new URL('measure_process.py', import.meta.url));

export interface Measured {
  /** From before the process was started until it was gone. */
  readonly wallSeconds: number;
  /** Of the process and all that it started; measure_process.py says what is counted. */
  readonly peakBytes: number;
}

export interface MeasureInput {
  readonly command: readonly string[];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly python: string;
  /** A file that is written and removed again. */
  readonly scratch: string;
}

/** Runs a command once and says what it took. Throws, with what the command printed, where it does not end with 0. */
export async function measureProcess({ command, cwd, env, python, scratch }: MeasureInput): Promise<Measured> {
  await rm(scratch, { force: true });
  const { ok, output } = await runQuietly(python, [MEASURE, scratch, ...command], { cwd, env });
  if (!ok) throw new Error(`\`${command.join(' ')}\` failed; its own words:\n${output.trimEnd()}`);
  const { wallSeconds, peakBytes } = parseMeasured(await readFile(scratch, 'utf8'));
  await rm(scratch);
  return { wallSeconds, peakBytes };
}

function parseMeasured(text: string): Measured {
  const found: unknown = JSON.parse(text);
  if (typeof found === 'object' && found !== null && 'wallSeconds' in found && 'peakBytes' in found) {
    const { wallSeconds, peakBytes } = found;
    if (typeof wallSeconds === 'number' && typeof peakBytes === 'number') return { wallSeconds, peakBytes };
  }
  throw new Error(`measure_process.py wrote ${text}, expected wallSeconds and peakBytes; report this.`);
}
