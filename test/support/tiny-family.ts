import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { findPython, PROJECT_ROOT } from '../../workers/settings.ts';

const STEPS = [30, 10];
const TRAIN_ROWS = 2000;
/** Two batches of scoring, so that there is a moment at which some samples are scored and others are not. */
const TEST_ROWS = 200;

export interface TinyFamily {
  /** M1 and M2, of one pretraining run of a few steps. */
  readonly releases: string;
  readonly dataset: string;
  readonly suite: string;
}

/** Real models and a real task that need no network, made by the demo's own scripts in about seven seconds. */
export async function makeTinyFamily(root: string): Promise<TinyFamily> {
  const releases = path.join(root, 'releases');
  const task = path.join(root, 'task');
  const state = path.join(root, 'pretraining');
  await Promise.all([
    demo('pretrain.py', '--family', releases, '--state', state, '--releases', STEPS.join(',')),
    demo('make_task.py', '--out', task, '--train', String(TRAIN_ROWS), '--test', String(TEST_ROWS)),
  ]);
  return { releases, dataset: path.join(task, 'train.jsonl'), suite: path.join(task, 'suites', 'desc') };
}

async function demo(script: string, ...args: readonly string[]): Promise<void> {
  await promisify(execFile)(findPython(process.env), [path.join(PROJECT_ROOT, 'scripts', 'demo', script), ...args]);
}
