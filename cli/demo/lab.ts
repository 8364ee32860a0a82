import { spawn, type ChildProcess } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { messageOf, RegraftError } from '../../contracts/error.ts';
import { findPython, PROJECT_ROOT, trainerEnvironment } from '../../workers/settings.ts';

/** How large the demo is: its folder, the lineage file that goes with it, and the steps of pretraining to each release. */
export const DEMO_SIZES = {
  full: { folder: 'demo', lineage: 'demo.yaml', releases: [1200, 400, 400, 400] },
  smoke: { folder: 'demo-smoke', lineage: 'demo-smoke.yaml', releases: [600, 200, 200, 200] },
} as const;
export type DemoSize = keyof typeof DEMO_SIZES;

/** What the pretraining process tells while it runs. */
const lineSchema = z.discriminatedUnion('event', [
  z.looseObject({ event: z.literal('progress'), step: z.int(), steps: z.int(), lossNats: z.number() }),
  z.looseObject({ event: z.literal('release'), release: z.string(), step: z.int(), lossNats: z.number() }),
  z.looseObject({ event: z.literal('stopped'), step: z.int() }),
  z.looseObject({ event: z.literal('done') }),
]);
export type LabEvent = z.output<typeof lineSchema>;

interface LabOptions {
  readonly home: string;
  readonly size: DemoSize;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Writes the demo's fine-tuning task; what is there already is left alone. */
export async function makeTask(options: LabOptions): Promise<void> {
  await ended(runPython(options, 'make_task.py', ['--out', path.join(folderOf(options), 'task')]), 'make_task.py');
}

export interface Pretraining {
  /** Settles when it has released everything, or was told to stop. @throws RegraftError DEMO_SCRIPT_FAILED */
  readonly finished: Promise<void>;
  /** Asks it to save and end; the same command goes on from there. */
  stop(): Promise<void>;
}

/** The lab next door: one real pretraining run that drops releases into the family's folder as they become ready. */
export function startPretraining(options: LabOptions, onEvent: (event: LabEvent) => void): Pretraining {
  const demo = folderOf(options);
  const child = runPython(options, 'pretrain.py', [
    ...['--family', path.join(demo, 'family'), '--state', path.join(demo, 'pretraining')],
    ...['--releases', DEMO_SIZES[options.size].releases.join(',')],
  ]);
  if (child.stdout !== null) {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const event = lineSchema.safeParse(parseOrNull(line));
      if (event.success) onEvent(event.data);
    });
  }
  const finished = ended(child, 'pretrain.py');
  return {
    finished,
    async stop() {
      child.kill('SIGTERM');
      await finished;
    },
  };
}

function folderOf({ home, size }: LabOptions): string {
  return path.join(home, DEMO_SIZES[size].folder);
}

function runPython({ environment }: LabOptions, script: string, args: readonly string[]): ChildProcess {
  return spawn(findPython(environment), [path.join(PROJECT_ROOT, 'scripts', 'demo', script), ...args], {
    env: trainerEnvironment(environment),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

async function ended(child: ChildProcess, script: string): Promise<void> {
  let words = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    words = (words + text).slice(-2000);
  });
  await new Promise<void>((resolve, reject) => {
    child.once('error', (error) => {
      reject(failed(script, messageOf(error)));
    });
    child.once('close', (code, signal) => {
      if (code === 0 || signal === 'SIGTERM') resolve();
      else reject(failed(script, `it ended with ${signal ?? String(code)}: ${words.trim()}`));
    });
  });
}

function failed(script: string, why: string): RegraftError {
  return new RegraftError('DEMO_SCRIPT_FAILED', `scripts/demo/${script} failed: ${why}; is \`npm run setup\` done?`);
}

function parseOrNull(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}
