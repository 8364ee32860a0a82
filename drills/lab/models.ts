import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { messageOf, RegraftError } from '../../contracts/error.ts';
import { findPython, PROJECT_ROOT, trainerEnvironment } from '../../workers/settings.ts';

const PRETRAINING_STEPS = 30;
const TRAIN_ROWS = 2000;
const TEST_ROWS = 64;

/** What a drill's lineage is about; all drills share it and none changes it. */
export interface DrillModels {
  /** Folder with one release, M1. */
  readonly family: string;
  readonly dataset: string;
  readonly suite: string;
}

/**
 * A real tiny model and a real task that need no network, made by the demo's scripts in about seven seconds.
 * @throws RegraftError DRILL_MODELS_FAILED
 */
export async function makeDrillModels(
  root: string,
  environment: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
): Promise<DrillModels> {
  const family = path.join(root, 'family');
  const task = path.join(root, 'task');
  const make = async (script: string, ...args: readonly string[]): Promise<void> => {
    const file = path.join(PROJECT_ROOT, 'scripts', 'demo', script);
    try {
      await promisify(execFile)(findPython(environment), [file, ...args], {
        env: trainerEnvironment(environment),
        signal,
      });
    } catch (error) {
      const why = `scripts/demo/${script} failed: ${messageOf(error)}; is \`npm run setup\` done?`;
      throw new RegraftError('DRILL_MODELS_FAILED', why, { cause: error });
    }
  };
  const state = path.join(root, 'pretraining');
  await Promise.all([
    make('pretrain.py', '--family', family, '--state', state, '--releases', String(PRETRAINING_STEPS)),
    make('make_task.py', '--out', task, '--train', String(TRAIN_ROWS), '--test', String(TEST_ROWS)),
  ]);
  return { family, dataset: path.join(task, 'train.jsonl'), suite: path.join(task, 'suites', 'desc') };
}
