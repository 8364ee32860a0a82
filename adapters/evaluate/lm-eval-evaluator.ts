import path from 'node:path';
import type { Evaluator, LmEvalSuite, Suite } from '../../activities/ports.ts';
import { harnessIdentity } from './harness-identity.ts';
import { lmEvalCommand } from './lm-eval/command.ts';
import { readLmEvalProgress } from './lm-eval/progress.ts';
import { readLmEvalResults } from './lm-eval/results.ts';
import { lmEvalVersions, type LmEvalVersions } from './lm-eval/versions.ts';
import { runProgram } from './program/run-program.ts';
import { withOutputFolder, type Scratch } from './program/with-output-folder.ts';
import { suiteUnfit } from './suite-unfit.ts';

export interface LmEvalOptions {
  /** A Python that has lm_eval. */
  readonly python: string;
  /** All that it sees of this process' environment; it never sees the network. */
  readonly environment: Readonly<Record<string, string>>;
  readonly scratch: Scratch;
  /** Of its arithmetic (1). */
  readonly threads?: number | undefined;
}

/**
 * Scores with EleutherAI's lm-evaluation-harness (0.4.x) in a process of its own, offline: tasks of the suite's folder, or
 * its own ones whose data are in the Hub's cache. Its identity holds the versions of it and of what computes beneath it.
 *
 * Errors: EVALUATE_LM_EVAL_MISSING, EVALUATE_PROGRAM_FAILED, EVALUATE_RESULTS_INVALID, EVALUATE_SUITE_UNFIT.
 */
export function createLmEvalEvaluator({ python, environment, scratch, threads = 1 }: LmEvalOptions): Evaluator {
  const offline = offlineEnvironment(environment, threads);
  let versions: Promise<LmEvalVersions> | null = null;
  const askVersions = async (): Promise<LmEvalVersions> => {
    versions ??= lmEvalVersions(python, offline);
    try {
      return await versions;
    } catch (error) {
      versions = null; // it may be installed by the next time
      throw error;
    }
  };
  return {
    name: 'lm-eval',
    async identity(suite) {
      asLmEval(suite);
      const { lm_eval: version, ...beneath } = await askVersions();
      return harnessIdentity('lm-eval', version, beneath);
    },
    async evaluate({ modelFolder, suite, signal, onProgress }) {
      const { folder, definition, unit } = asLmEval(suite);
      await askVersions();
      return withOutputFolder(scratch, 'lm-eval', async (output) => {
        await runProgram({
          command: lmEvalCommand({ python, modelFolder: path.resolve(modelFolder), output, definition }),
          folder,
          environment: offline,
          signal,
          onOutput: readLmEvalProgress(onProgress),
        });
        return readLmEvalResults(output, { ...definition, unit });
      });
    },
  };
}

function asLmEval(suite: Suite): LmEvalSuite {
  if (suite.kind === 'lm-eval') return suite;
  throw suiteUnfit(suite, 'lm-eval');
}

function offlineEnvironment(
  environment: Readonly<Record<string, string>>,
  threads: number,
): Readonly<Record<string, string>> {
  const numberOfThreads = String(threads);
  return {
    ...environment,
    ...{ HF_HUB_OFFLINE: '1', HF_DATASETS_OFFLINE: '1', TRANSFORMERS_OFFLINE: '1', HF_EVALUATE_OFFLINE: '1' },
    ...{ HF_HUB_DISABLE_TELEMETRY: '1', TOKENIZERS_PARALLELISM: 'false', PYTHONUNBUFFERED: '1' },
    ...{ PYTHONDONTWRITEBYTECODE: '1', OMP_NUM_THREADS: numberOfThreads, MKL_NUM_THREADS: numberOfThreads },
  };
}
